"""Invented users, seeded and replayable: user i is a pure function of (spec, seed, i)."""

from harness.population.people import Population
from harness.population.spec import Spec

__all__ = ["Population", "Spec"]
