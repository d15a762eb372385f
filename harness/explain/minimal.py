"""Which fields of a failing user it takes: the failing user against a passing one, the baseline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.explain.asking import Asker

FEW = 3
"""With at most so many fields in question, each is tried on its own in one round."""


def culprits(
    asker: Asker, good: dict[str, Any], bad: dict[str, Any], suspects: Sequence[str]
) -> tuple[str, ...] | None:
    """The fewest of `suspects` that make `good` fail when they are taken from `bad`; None where they do not.

    Both were asked before: `bad` fails, and `good` passes.
    """
    if not suspects:
        return None
    if len(suspects) == 1:
        return tuple(suspects)
    if len(suspects) <= FEW:
        return _one_by_one(asker, good, bad, suspects)
    return tuple(_quick(asker, good, bad, (), tuple(suspects)))


def mixed(good: dict[str, Any], bad: dict[str, Any], fields: Sequence[str]) -> dict[str, Any]:
    """`good` with these fields taken from `bad`."""
    return good | {name: bad[name] for name in fields}


def _one_by_one(
    asker: Asker, good: dict[str, Any], bad: dict[str, Any], suspects: Sequence[str]
) -> tuple[str, ...] | None:
    """One round puts each field on its own into the baseline; if none is enough, another takes each out."""
    alone = asker.all([mixed(good, bad, [name]) for name in suspects])
    for name, fails in zip(suspects, alone, strict=True):
        if fails:
            return (name,)
    without = asker.all(
        [mixed(good, bad, [other for other in suspects if other != name]) for name in suspects]
    )
    needed = tuple(name for name, fails in zip(suspects, without, strict=True) if not fails)
    return needed or tuple(suspects)


def _quick(
    asker: Asker, good: dict[str, Any], bad: dict[str, Any], fixed: tuple[str, ...], suspects: tuple[str, ...]
) -> list[str]:
    """QuickXplain: with `fixed` and all `suspects` the user fails, with `fixed` alone it passes."""
    if len(suspects) == 1:
        return list(suspects)
    half = len(suspects) // 2
    first, second = suspects[:half], suspects[half:]
    if asker.fails(mixed(good, bad, (*fixed, *first))):
        return _quick(asker, good, bad, fixed, first)
    if asker.fails(mixed(good, bad, (*fixed, *second))):
        return _quick(asker, good, bad, fixed, second)
    of_second = _quick(asker, good, bad, (*fixed, *first), second)
    if asker.fails(mixed(good, bad, (*fixed, *of_second))):
        return of_second
    of_first = _quick(asker, good, bad, (*fixed, *of_second), first)
    return of_first + of_second
