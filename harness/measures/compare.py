"""What moved between two sides: medians, whether that is significant, and whether it is large enough to matter.

    worse, better    the medians differ by more than the tolerance, and repeats (three or more on both sides) rank so
                     with p <= 0.05; with fewer repeats the change is an observation and the tolerance is wider
    same             neither
    unseen           measured on one side only

The tolerance is learned: three standard errors of the difference of the medians, as the repeats scatter, and never
less than what this kind of number is known to move by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import comb, sqrt
from typing import Literal

import numpy as np
from msgspec import Struct

from harness.measures.side import Kind, Measure, Side, same_setting

Word = Literal["worse", "better", "same", "unseen"]

REPEATS = 3
LEAST: dict[Kind, float] = {"time": 0.10, "memory": 0.05, "wall": 0.01, "presses": 0.05, "failures": 0.05}
ALONE: dict[Kind, float] = {"time": 0.30, "memory": 0.10, "wall": 0.01, "presses": 0.10, "failures": 0.10}
HIGHER_IS_BETTER: tuple[Kind, ...] = ("wall",)
P = 0.05
MOST_RANKINGS = 20_000


class Change(Struct, frozen=True, kw_only=True):
    """One measure on both sides. `change` is relative to `before`; `p` None: too few repeats to tell."""

    name: str
    kind: Kind
    word: Word
    before: float | None
    after: float | None
    change: float | None = None
    tolerance: float | None = None
    p: float | None = None
    repeats: tuple[int, int] = (0, 0)


class Comparison(Struct, frozen=True, kw_only=True):
    """All measures, worst first, and the heavy findings that are new or gone (title by id)."""

    changes: list[Change]
    new: dict[str, str]
    gone: dict[str, str]

    @property
    def regressed(self) -> bool:
        """Whether anything is worse, or a heavy finding is new."""
        return bool(self.new) or any(change.word == "worse" for change in self.changes)

    @property
    def blind(self) -> bool:
        """Whether something that was measured before was not measured now, or nothing was measured at all. Ways in
        do not count: one is not tried where a better one got through."""
        lost = [c for c in self.changes if c.word == "unseen" and c.after is None and c.kind != "wall"]
        return bool(lost) or not self.changes


def compare(before: Side, after: Side) -> Comparison:
    """What moved from `before` to `after`. Raises CannotTell where they are not of one setting."""
    same_setting(before, after)
    names = [
        name
        for name, measure in (before.measures | after.measures).items()
        if not measure.extra or (name in before.measures and name in after.measures)
    ]
    changes = [_change(name, before.measures.get(name), after.measures.get(name)) for name in names]
    order: list[Word] = ["worse", "unseen", "better", "same"]
    changes.sort(key=lambda change: (order.index(change.word), -abs(change.change or 0)))
    return Comparison(
        changes=changes,
        new={id_: title for id_, title in after.heavy.items() if id_ not in before.heavy},
        gone={id_: title for id_, title in before.heavy.items() if id_ not in after.heavy},
    )


def _change(name: str, before: Measure | None, after: Measure | None) -> Change:
    if before is None or after is None or not before.values or not after.values:
        kind = (before or after or Measure("time", [])).kind
        return Change(name=name, kind=kind, word="unseen", before=_median(before), after=_median(after))
    old, new = float(np.median(before.values)), float(np.median(after.values))
    enough = min(len(before.values), len(after.values)) >= REPEATS
    limit = tolerance(before, after) if enough else ALONE[before.kind]
    share = (
        (new - old) / abs(old) if old else (0.0 if new == old else float("inf") * (1 if new > old else -1))
    )
    up = new > old
    p = ranked(before.values, after.values, up=up) if enough else None
    moved = abs(share) > limit and abs(new - old) > before.least and (p is None or p <= P)
    good = up == (before.kind in HIGHER_IS_BETTER)
    return Change(
        name=name,
        kind=before.kind,
        word="same" if not moved else "better" if good else "worse",
        before=old,
        after=new,
        change=share if np.isfinite(share) else None,
        tolerance=limit,
        p=p,
        repeats=(len(before.values), len(after.values)),
    )


def tolerance(before: Measure, after: Measure) -> float:
    """The share by which medians of these repeats differ by chance alone."""
    spread = max(_spread(before.values), _spread(after.values))
    error = 1.2533 * spread * sqrt(1 / len(before.values) + 1 / len(after.values))
    return max(LEAST[before.kind], 3 * error)


def ranked(before: Sequence[float], after: Sequence[float], *, up: bool) -> float:
    """The probability that repeats without a difference rank like this or more so (Mann and Whitney, exact; by
    20,000 rankings where there are more). One-sided: `up` asks whether `after` is the larger."""
    values = np.array([*before, *after], dtype=float) * (1 if up else -1)
    ranks = np.array([np.mean(np.flatnonzero(np.sort(values) == value)) for value in values])
    n, total = len(after), len(values)
    seen = ranks[len(before) :].sum() - 1e-9
    if comb(total, n) <= MOST_RANKINGS:
        sums = np.array([ranks[list(chosen)].sum() for chosen in combinations(range(total), n)])
    else:
        draw = np.random.default_rng(0)
        sums = np.array([draw.permutation(ranks)[:n].sum() for _ in range(MOST_RANKINGS)])
    return float(np.mean(sums >= seen))


def _spread(values: Sequence[float]) -> float:
    """The relative standard deviation, from the median distance to the median, or plainly where few are apart."""
    middle = float(np.median(values))
    if not middle:
        return 0.0
    robust = 1.4826 * float(np.median(np.abs(np.array(values) - middle)))
    return max(robust, 0.7 * float(np.std(values, ddof=1))) / abs(middle)


def _median(measure: Measure | None) -> float | None:
    return float(np.median(measure.values)) if measure and measure.values else None
