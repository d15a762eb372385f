"""What is told of a batch whose downstream is in trouble, from a record written by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.checks import faults
from harness.model.events import AgainKind, NotSeen, PressedAgain, PressNote
from harness.model.finding import Finding
from harness.model.record import Record
from tests.checks.books import Books

USERS = [str(n) for n in range(1, 21)]


def played(folder: Path, kind: AgainKind, rows: dict[str, list[Any]] | None = None, **seen: Any) -> Record:
    books = Books(folder / "run", USERS)
    if rows:
        books.record.rows(f"exchanges-fault-{kind}", **rows)
    note = PressNote(number=1, accepted=True, why="", done=20, failed=0, left=0, effects=20)
    books.event(
        PressedAgain(
            kind=kind, key=f"fault-{kind}", what="payouts is in trouble", service="payouts", trigger="button",
            users=20, reached=True, presses=[note], **seen,
        )
    )  # fmt: skip
    return books.close()


def test_requests_within_a_pause_are_counted_apart_from_those_after_it(tmp_path: Path) -> None:
    t = [0.0, 0.2, 0.4, 0.6, 0.8, 1.5, 2.0, 2.5]
    rows = {"t": t, "items": [["1"]] * 8, "fault": ["limit"] * 3 + [""] * 2 + ["limit"] * 3}
    (found,) = faults.check(played(tmp_path, "limit", rows, asked_to_wait=1))
    assert isinstance(found, Finding)
    assert found.title == "payouts says 'wait 1 s', and 4 requests come within them"
    assert "4 more requests within 1 s, 2 of them answered 429 too" in found.evidence[0].text


def test_a_pause_that_nobody_listened_to_is_not_seen_to_be_kept(tmp_path: Path) -> None:
    (gap,) = faults.check(played(tmp_path, "limit", asked_to_wait=5))
    assert isinstance(gap, NotSeen) and "what passed the tap was not kept" in gap.why


def test_a_wait_is_as_long_as_it_was_seen_to_be(tmp_path: Path) -> None:
    (found,) = faults.check(played(tmp_path, "hung", waited=45.0, gave_up=False))
    assert isinstance(found, Finding) and found.code == "DOWN-001"
    assert found.title == "The batch still waits after 45 s where payouts does not answer"
