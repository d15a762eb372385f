"""What stops the batch, and how often the button is then pressed."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from harness.checks import stops
from harness.model.events import Pressed
from harness.model.finding import Finding
from harness.model.record import Record
from harness.model.scenario import Effect, Outcome
from tests.checks.books import EXCHANGE, Books

USERS = [str(n) for n in range(100)]


def found(record: Record) -> dict[str, Finding]:
    return {finding.code: finding for finding in stops.check(record) if isinstance(finding, Finding)}


def stopped(folder: Path, presses: int) -> Record:
    """A batch that failed at its 21st user at first, and took so many presses in all."""
    books = Books(folder / "run", USERS)
    books.pressed(1, done=20, failed=1)
    books.said(
        "items-1-first", [Outcome(u, "ok") for u in USERS[:20]] + [Outcome(USERS[20], "failed", "no IBAN")]
    )
    books.scale(1, [Outcome(u, "ok") for u in USERS], [Effect(u) for u in USERS], presses=presses)
    return books.close()


def test_the_item_its_place_and_those_blocked_behind_it_are_named(tmp_path: Path) -> None:
    finding = found(stopped(tmp_path, 5))["STOP-001"]
    assert finding.breaks_at is not None and finding.breaks_at.users == 21
    assert finding.counts == {"1x": 79}
    assert finding.title == "One failing user stops the batch: 79 of 100 not reached"
    assert "user 20 (number 21) of 100: no IBAN" in finding.evidence[0].text


def test_presses_within_the_interval_fit_and_others_do_not(tmp_path: Path) -> None:
    fits, misfits = (found(stopped(tmp_path / str(n), n))["STOP-001"].evidence[-1].text for n in (5, 95))
    assert "had to be pressed 5 times (the first press foretold" in fits and "does not fit" not in fits
    assert "does not fit" in misfits


def test_a_batch_that_hangs_is_told_with_its_item_and_is_no_stop_at_a_failure(tmp_path: Path) -> None:
    books = Books(tmp_path / "run", USERS)
    press = Pressed(
        scale=1, trigger="button", press=1, users=100, exchange=EXCHANGE, accepted=True, why="then nothing more",
        seconds=60.0, done=30, failed=1, left=69, stuck=True,
    )  # fmt: skip
    books.event(press)
    said = [Outcome(u, "ok") for u in USERS[:31]] + [Outcome(USERS[31], "running")]
    books.scale(1, said, [Effect(u) for u in USERS[:31]])
    record = books.close()
    finding = found(record)["STOP-002"]
    assert found(record).keys() == {"STOP-002"}
    assert finding.title == "The batch hangs: 68 of 100 users wait behind"
    assert finding.breaks_at is not None and finding.breaks_at.users == 32
    assert msgspec.json.decode(msgspec.json.encode(finding), type=Finding) == finding


def test_a_batch_that_comes_through_has_no_stop(tmp_path: Path) -> None:
    books = Books(tmp_path / "run", USERS)
    books.pressed(1, done=97, failed=3)
    books.scale(1, [Outcome(u, "ok") for u in USERS], [Effect(u) for u in USERS])
    assert found(books.close()) == {}


@pytest.mark.parametrize("table", ["nothing", "everybody"])
def test_those_who_wait_are_counted_from_the_press_whatever_the_list_tells(
    tmp_path: Path, table: str
) -> None:
    books = Books(tmp_path / "run", USERS)
    press = Pressed(
        scale=1, trigger="button", press=1, users=100, exchange=EXCHANGE, accepted=True, why="then nothing more",
        seconds=60.0, done=30, failed=0, left=70, stuck=True,
    )  # fmt: skip
    books.event(press)
    if table == "everybody":
        said = [Outcome(u, "ok") for u in USERS[:30]] + [Outcome(USERS[30], "running")]
        books.said("items-1", said + [Outcome(u, "unknown", "queued") for u in USERS[31:]])
    finding = found(books.close())["STOP-002"]
    wait = 69 if table == "everybody" else 70
    assert finding.title == f"The batch hangs: {wait} of 100 users wait behind"
