"""What it is about somebody's turn, where it is not their data: the place, the time, or the size of the batch.

One run cannot tell a place from a time: both grow together. Several scales can; what they cannot tell apart either
is said with an "or". No call is made: that such users pass alone is for the world to show.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.explain.conditions import Condition
from harness.explain.rules import Search
from harness.explain.table import TURN, Seen, Table
from harness.model.people import SyntheticUser

FEWEST = 5
FAILS_IF_SO = 0.95


@dataclass(frozen=True)
class Turn:
    """One user in one run: their place from 1 on, how many users the run had, the seconds into it at which they had
    their turn (NaN where that was not seen), and what became of them: "" passed, a signature, None not clear."""

    index: int
    position: int
    batch: int
    elapsed: float
    told: str | None


@dataclass(frozen=True)
class TurnRule:
    """`either`: conditions, each of which says the same of everybody. `rows`: the failing turns that it covers."""

    either: tuple[tuple[Condition, ...], ...]
    such: int
    failing: int
    rows: tuple[int, ...]

    @property
    def sentence(self) -> str:
        """ "users whose place in the batch is 291 or more, or whose turn comes at 12 or more seconds, fail"."""
        said = [" and ".join(condition.words for condition in conditions) for conditions in self.either]
        return f"users whose {', or whose '.join(said)}{',' if len(said) > 1 else ''} fail"

    @property
    def key(self) -> str:
        """What it is about, without numbers."""
        return " ".join(sorted({condition.key for conditions in self.either for condition in conditions}))


def about_turns(turns: Sequence[Turn]) -> TurnRule | None:
    """The rule over places, times and sizes that tells failing turns from passing ones best; None where none does."""
    table = _table(turns)
    search = Search(table, table.failed, FAILS_IF_SO)
    best = search.best()
    if best is None or best.failing < FEWEST:
        return None
    mask = table.mask(best.conditions)
    known = table.failed | table.passed
    alike = []
    for measure in TURN:
        other = search.best_on(measure)
        if other and np.array_equal(table.mask(other) & known, mask & known):
            alike.append(other)
    covered = np.flatnonzero(mask & table.failed)
    return TurnRule(
        tuple(alike) or (best.conditions,),
        such=int((mask & known).sum()),
        failing=len(covered),
        rows=tuple(covered.tolist()),
    )


def _table(turns: Sequence[Turn]) -> Table:
    nobody = [SyntheticUser(turn.index, "", {}) for turn in turns]
    return Table(
        Seen(
            nobody,
            [turn.told for turn in turns],
            twin=lambda index: SyntheticUser(index, "", {}),
            elapsed=[turn.elapsed for turn in turns],
            positions=[turn.position for turn in turns],
            batches=[turn.batch for turn in turns],
        )
    )
