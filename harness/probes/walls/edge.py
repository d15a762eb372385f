"""The search for an edge, pure: it asks through a function and knows no server.

Guesses come from the catalogue and from numbers in the refusal. They never cost much: a guess is tried only as
long as, should it prove wrong, the whole still ends within plain bisection + `spare`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from harness.model.limits import Limit


class Guess(NamedTuple):
    """An edge that is likely: `at` passes and at + 1 does not. `named`: the refusal itself points to it."""

    at: int
    limit: Limit | None
    unit: str
    named: bool


def halvings(low: int, high: int) -> int:
    """How many questions plain bisection needs to bring (low passes, high fails) to neighbours."""
    return max(0, (high - low - 1).bit_length())


def find_edge(
    passes: Callable[[int], bool], low: int, high: int, guesses: Callable[[], Sequence[Guess]], spare: int = 4
) -> tuple[int, int]:
    """Neighbours (last that passes, first that does not) between `low`, which passes, and `high`, which does not.

    The number of questions is at most `halvings(low, high) + spare`; two where the first guess is right. `guesses`
    is read before every question, so what one refusal gives away guides the next.
    """
    left = halvings(low, high) + spare
    while high - low > 1:
        at = _next(low, high, guesses(), left - 1)
        if passes(at):
            low = at
        else:
            high = at
        left -= 1
    return low, high


def _next(low: int, high: int, guesses: Sequence[Guess], left: int) -> int:
    """The next size to ask for; at most `left` questions may follow it, whichever way it goes."""
    for at, reserve in _wanted(low, high, guesses):
        if max(halvings(low, at), halvings(at, high)) + reserve <= left:
            return at
    return (low + high) // 2


def _wanted(low: int, high: int, guesses: Sequence[Guess]) -> list[tuple[int, int]]:
    """Sizes worth asking for: first those that would finish a guess, then the named, then the median of the rest.

    Each with the questions it must leave unspent: what nobody named may cost less, and keeps one to finish with.
    """
    inside = [guess for guess in guesses if low <= guess.at < high]
    finishing = [low + 1 for guess in inside if guess.at == low]
    named = [guess.at for guess in inside if guess.named and guess.at > low]
    rest = sorted({guess.at for guess in inside if not guess.named and guess.at > low})
    median = rest[len(rest) // 2 : len(rest) // 2 + 1]
    return [(at, 0) for at in finishing + named] + [(at, 1) for at in median]
