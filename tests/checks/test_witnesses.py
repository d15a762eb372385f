"""Two witnesses that disagree are told apart; the better one is believed."""

from __future__ import annotations

from pathlib import Path

from harness.checks import items, witnesses
from harness.model.finding import Finding
from harness.model.scenario import Effect, Outcome
from tests.checks.books import Books

USERS = ["1", "2", "3"]


def books(folder: Path, done: list[str], answers: list[tuple[str, int | None]]) -> Books:
    written = Books(folder / "run", USERS)
    written.scale(1, [Outcome(user, "ok") for user in USERS], [Effect(user) for user in done])
    written.record.rows("tap-1", item=[item for item, _ in answers], status=[status for _, status in answers])
    return written


def codes(check, record) -> dict[str, dict[str, int]]:
    return {finding.code: finding.counts for finding in check(record) if isinstance(finding, Finding)}


def test_a_200_without_commit_and_a_500_with_one(tmp_path: Path) -> None:
    record = books(tmp_path, ["1", "3"], [("1", 200), ("2", 200), ("3", 500)]).close()
    assert codes(witnesses.check, record) == {"ITEM-007": {"1x": 1}, "ITEM-008": {"1x": 1}}


def test_a_failure_that_a_second_try_made_good_is_no_disagreement(tmp_path: Path) -> None:
    record = books(tmp_path, USERS, [("1", 500), ("1", 200), ("2", 200), ("3", None), ("3", 201)]).close()
    assert codes(witnesses.check, record) == {}


def test_without_a_ledger_the_tap_is_believed(tmp_path: Path) -> None:
    written = books(tmp_path, [], [("1", 200), ("1", 200), ("2", 500), ("3", 200)])
    (tmp_path / "run/tables/effects-1.jsonl").unlink()
    assert codes(items.check, written.close()) == {"DUP-001": {"1x": 1}, "LOST-001": {"1x": 1}}


def test_a_count_that_is_not_the_lists_is_told(tmp_path: Path) -> None:
    written = Books(tmp_path / "run", USERS)
    written.pressed(1, done=2, failed=0)
    written.scale(1, [Outcome(user, "ok") for user in USERS], [Effect(user) for user in USERS])
    assert codes(witnesses.check, written.close()) == {"ITEM-009": {"1x": 1}}


def test_an_answer_that_was_lost_is_not_called_an_error(tmp_path: Path) -> None:
    record = books(tmp_path, USERS, [("1", 200), ("2", None), ("3", None), ("3", 503)]).close()
    (finding,) = (one for one in witnesses.check(record) if isinstance(one, Finding))
    assert finding.title == "2 users get no success for an answer downstream, and it was done"
    assert finding.evidence[0].text == "at 1x, for example users 2, 3; 1 of them without any answer"
