"""Finds the largest number of users that a trigger carries, with the real trigger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.model.exchange import Exchange


@dataclass(frozen=True)
class Try:
    """One question: did the trigger with this many users get through, and with which exchange."""

    passed: bool
    exchange: Exchange


@dataclass(frozen=True)
class Edge:
    """`last_passing` users got through and `first_failing` did not, with nothing between them untested.
    `last_passing` is 0 where not even one user got through; `passing` is then None."""

    last_passing: int
    first_failing: int
    passing: Exchange | None
    failing: Exchange
    requests: int


def find_edge(ask: Callable[[int], Try], passed: int, failed: int) -> Edge:
    """Bisects between `passed` users (0: none known) and `failed` users, both seen before; both are asked again,
    so that the edge rests on one stage in one state. Raises ValueError unless 0 <= passed < failed.
    """
    if not 0 <= passed < failed:
        raise ValueError(f"no edge between {passed} and {failed} users")
    seen: dict[int, Try] = {}

    def through(count: int) -> bool:
        seen[count] = seen.get(count) or ask(count)
        return seen[count].passed

    low, high = passed, failed
    if through(high):
        raise EdgeMoved(f"{failed} users got through this time")
    if low and not through(low):
        low, high = 0, low
    while high - low > 1:
        middle = (low + high) // 2
        if through(middle):
            low = middle
        else:
            high = middle
    return Edge(low, high, seen[low].exchange if low else None, seen[high].exchange, len(seen))


class EdgeMoved(Exception):
    """The same number of users was refused before and gets through now: size is not what decides."""
