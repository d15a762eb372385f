"""Reads back what became of each item: what the batch says, and what the downstream did.

The downstream is read once it is quiet: an effect may land after the batch has given up waiting for it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from typing import Any

from harness.errors import UsageError
from harness.model.events import NotSeen
from harness.model.people import SyntheticUser
from harness.model.record import RecordWriter
from harness.model.scenario import Effect, Outcome
from harness.model.tables import TableWriter

CHUNK = 50_000
MOST_CONTENT = 200
LONGEST_WAIT = 60.0

ReadOutcomes = Callable[[], Iterable[Outcome]]
ReadEffects = Callable[[], Iterable[Effect] | None]


def read_outcomes(read: ReadOutcomes, record: RecordWriter, table: str) -> bool:
    """Writes `table` (item, said, detail). False, and a NotSeen in the record, where it could not be read."""
    try:
        rows = [_sound(row, Outcome) for row in read()]
    except UsageError:
        raise
    except Exception as problem:  # noqa: BLE001  # the author's code may raise anything: then nothing was seen
        record.event(
            NotSeen(probe="outcomes", why=f"the batch's word could not be read: {_one_line(problem)}")
        )
        return False
    write_outcomes(rows, record, table)
    return True


def write_outcomes(rows: list[Outcome], record: TableWriter, table: str) -> None:
    """Writes `table` (item, said, detail), in chunks."""
    for part in _parts(rows):
        record.rows(
            table,
            item=[row.item for row in part],
            said=[row.said for row in part],
            detail=[row.detail[:200] for row in part],
        )


def read_effects(
    read: ReadEffects, record: RecordWriter, table: str, *, quiet: float = 0.0, longest: float = LONGEST_WAIT
) -> bool:
    """Writes `table` (item, amount, step, content) once nothing new was done for `quiet` seconds. False, and a
    NotSeen in the record, where it could not be read; a NotSeen as well where it did not get quiet."""
    rows = _effects(read, record)
    if rows is None:
        return False
    stilled = settle(read, record, rows, quiet, longest) if quiet else Stilled(rows, 0.0, True)
    if stilled is None:
        return False
    if not stilled.quiet:
        why = f"still not quiet after {stilled.waited:.0f} s: what was done is perhaps not all of it"
        record.event(NotSeen(probe=f"the ledger ({table})", why=why))
    write_effects(stilled.rows, record, table)
    return True


def write_effects(rows: list[Effect], record: TableWriter, table: str) -> None:
    """Writes `table` (item, amount, step, content), in chunks."""
    for part in _parts(rows):
        record.rows(
            table,
            item=[row.item for row in part],
            amount=[str(row.amount) for row in part],
            step=[row.step for row in part],
            content=[kept(row.content) for row in part],
        )


def kept(content: str) -> str:
    """A content as it is recorded and compared: of a long one its beginning, and a sum over all of it."""
    if len(content) <= MOST_CONTENT:
        return content
    return f"{content[:MOST_CONTENT]}… (sha256 {sha256(content.encode('utf-8', 'replace')).hexdigest()[:16]})"


def write_expected(
    expected: Callable[[SyntheticUser], Effect | Iterable[Effect] | None],
    users: Sequence[SyntheticUser],
    record: TableWriter,
) -> None:
    """Writes `expected`: what the scenario says shall be done for each user; no table where it says nothing."""
    wanted = [(user, expected(user)) for user in users]
    if all(effects is None for _, effects in wanted):
        return
    rows: list[Effect] = []
    for user, effects in wanted:
        if effects is None:
            rows.append(Effect(user.id))
        else:
            rows += [effects] if isinstance(effects, Effect) else effects
    write_effects(rows, record, "expected")


@dataclass(frozen=True)
class Stilled:
    """The effects as last read, how long was waited, and whether they had come to rest."""

    rows: list[Effect]
    waited: float
    quiet: bool


def settle(
    read: ReadEffects, record: RecordWriter, rows: list[Effect], quiet: float, longest: float
) -> Stilled | None:
    """Reads again until two readings `quiet` seconds apart are the same, as multisets; None: unreadable."""
    began = time.monotonic()
    while True:
        time.sleep(quiet)
        again = _effects(read, record)
        if again is None:
            return None
        waited = time.monotonic() - began
        still = len(again) == len(rows) and (again == rows or Counter(again) == Counter(rows))
        if still or waited > longest:
            return Stilled(again, waited, still)
        rows = again


def _effects(read: ReadEffects, record: RecordWriter) -> list[Effect] | None:
    try:
        found = read()
        rows = None if found is None else [_sound(row, Effect) for row in found]
    except UsageError:
        raise
    except Exception as problem:  # noqa: BLE001  # the author's code may raise anything: then nothing was seen
        record.event(NotSeen(probe="effects", why=f"the ledger could not be read: {_one_line(problem)}"))
        return None
    if rows is None:
        record.event(
            NotSeen(probe="effects", why="the scenario has no effects(): what was really done was not seen")
        )
    return rows


def _sound(row: Any, kind: type[Any]) -> Any:
    """The row, if it is of its kind and its item is text: an id of another type would match no user."""
    if not isinstance(row, kind) or not isinstance(row.item, str):
        raise ValueError(f"{row!r:.100} came, where {kind.__name__}(item='<the user's id>', ...) is expected")
    return row


def _parts(rows: list[Any]) -> Iterator[list[Any]]:
    """The rows in chunks; one empty chunk where there are none: read, and nothing found."""
    rest = iter(rows)
    yield list(islice(rest, CHUNK))
    while part := list(islice(rest, CHUNK)):
        yield part


def _one_line(problem: BaseException) -> str:
    return f"{type(problem).__name__}: {str(problem).splitlines()[0] if str(problem) else ''}"
