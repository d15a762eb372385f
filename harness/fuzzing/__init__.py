"""Looks for what nobody thought of: users that nobody invented, and hands on the batch in any order."""

from harness.fuzzing.cases import Case, load_cases, save
from harness.fuzzing.flows import STEPS, play_flow, shorter
from harness.fuzzing.ground import Ground
from harness.fuzzing.users import Tries, fuzz_users

__all__ = ["STEPS", "Case", "Ground", "Tries", "fuzz_users", "load_cases", "play_flow", "save", "shorter"]
