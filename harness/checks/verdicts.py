"""The verdict table: what the batch says of an item, held against what the downstream did for it."""

from __future__ import annotations

from typing import Literal, get_args

from harness.model.scenario import Said

Done = Literal["none", "once", "partial", "over", "wrong"]
"""What the downstream did for one item: nothing, all of it once, some of its steps, a step more often than wanted,
or something else than wanted."""

Verdict = Literal[
    "done-once",
    "recovered",
    "failed-clean",
    "duplicated",
    "corrupted",
    "falsely-ok",
    "half-done",
    "lost",
    "falsely-failed",
    "stuck",
    "blocked",
]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
GOOD: frozenset[Verdict] = frozenset({"done-once", "recovered", "failed-clean"})

DONE: tuple[Done, ...] = get_args(Done)
WORDS: tuple[Said | None, ...] = (None, *get_args(Said))
"""What the batch may say of an item; None where it says nothing at all."""

_TABLE: dict[Done, tuple[Verdict, Verdict, Verdict, Verdict]] = {
    #          ok            failed           unknown or nothing  running
    "once": ("done-once", "falsely-failed", "recovered", "stuck"),
    "none": ("falsely-ok", "failed-clean", "lost", "stuck"),
    "partial": ("falsely-ok", "half-done", "half-done", "stuck"),
    "over": ("duplicated", "duplicated", "duplicated", "duplicated"),
    "wrong": ("corrupted", "corrupted", "corrupted", "corrupted"),
}
_COLUMN: dict[Said | None, int] = {"ok": 0, "failed": 1, "unknown": 2, None: 2, "running": 3}


def verdict(done: Done, said: Said | None) -> Verdict:
    """The one verdict on an item. An item of which nothing is said and for which nothing was done was never
    begun: it is blocked behind another."""
    if said is None and done == "none":
        return "blocked"
    return _TABLE[done][_COLUMN[said]]
