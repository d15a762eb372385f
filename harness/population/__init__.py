"""Invented users, seeded and replayable: user i is a pure function of (seed, i)."""

from harness.population.people import Population

__all__ = ["Population"]
