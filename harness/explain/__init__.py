"""Which users fail, and why: rules over what was seen of all, and the smallest failing user, found by asking.

Pure: the world is asked through a function that is handed in.
"""

from harness.explain.asking import Budget, Told
from harness.explain.causes import Explained, explain
from harness.explain.table import Seen
from harness.explain.turns import Turn, TurnRule, about_turns

__all__ = ["Budget", "Explained", "Seen", "Told", "Turn", "TurnRule", "about_turns", "explain"]
