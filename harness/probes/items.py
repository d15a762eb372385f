"""Reads back what became of each item: what the batch says, and what the downstream did."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from harness.errors import UsageError
from harness.model.record import NotSeen, RecordWriter
from harness.model.scenario import Effect, Outcome


def read_outcomes(read: Callable[[], Iterable[Outcome]], record: RecordWriter, table: str) -> bool:
    """Writes `table` (item, said, detail). False, and a NotSeen in the record, where it could not be read."""
    try:
        rows = list(read())
    except UsageError:
        raise
    except Exception as problem:  # noqa: BLE001  # the author's code may raise anything: then nothing was seen
        record.event(
            NotSeen(probe="outcomes", why=f"the batch's word could not be read: {_one_line(problem)}")
        )
        return False
    record.rows(
        table,
        item=[row.item for row in rows],
        said=[row.said for row in rows],
        detail=[row.detail[:200] for row in rows],
    )
    return True


def read_effects(read: Callable[[], Iterable[Effect] | None], record: RecordWriter, table: str) -> bool:
    """Writes `table` (item, amount). False, and a NotSeen in the record, where it could not be read."""
    try:
        found = read()
        rows = None if found is None else list(found)
    except UsageError:
        raise
    except Exception as problem:  # noqa: BLE001  # the author's code may raise anything: then nothing was seen
        record.event(NotSeen(probe="effects", why=f"the ledger could not be read: {_one_line(problem)}"))
        return False
    if rows is None:
        record.event(
            NotSeen(probe="effects", why="the scenario has no effects(): what was really done was not seen")
        )
        return False
    record.rows(table, item=[row.item for row in rows], amount=[row.amount for row in rows])
    return True


def _one_line(problem: BaseException) -> str:
    return f"{type(problem).__name__}: {str(problem).splitlines()[0] if str(problem) else ''}"
