"""What is said of who was in work when a service ended."""

from __future__ import annotations

from pathlib import Path

from harness.checks import ended
from harness.model.events import ServiceEnded
from harness.model.finding import Finding
from harness.model.scenario import Effect, Outcome
from tests.checks.books import Books

USERS = [str(n) for n in range(20)]


def test_who_failed_for_a_reason_was_not_in_work_then(tmp_path: Path) -> None:
    books = Books(tmp_path / "run", USERS)
    books.event(ServiceEnded(scale=1, service="batch", exit_code=1, oom_killed=False, done=10, failed=3))
    said = [Outcome(u, "failed", "no IBAN") for u in USERS[:3]] + [Outcome(u, "ok") for u in USERS[3:18]]
    books.scale(
        1, [*said, Outcome("18", "running"), Outcome("19", "unknown")], [Effect(u) for u in USERS[3:18]]
    )
    (found,) = (one for one in ended.check(books.close()) if isinstance(one, Finding))
    assert [proof.text for proof in found.evidence if proof.kind == "batch"] == [
        "in work or asked for next, by the batch's word: users 18, 19"
    ]


def test_an_end_of_which_no_exit_code_was_seen_has_none(tmp_path: Path) -> None:
    books = Books(tmp_path / "run", USERS)
    books.event(ServiceEnded(scale=1, service="batch", exit_code=None, oom_killed=None, done=1, failed=0))
    (found,) = (one for one in ended.check(books.close()) if isinstance(one, Finding))
    assert found.title == "batch ends by itself (an exit code that was not seen) within 1 users"


def test_where_nobody_is_open_any_more_those_called_failed_are_named_with_a_may(tmp_path: Path) -> None:
    books = Books(tmp_path / "run", USERS)
    books.event(ServiceEnded(scale=1, service="shop", exit_code=137, oom_killed=True, done=10, failed=0))
    said = [Outcome(u, "ok") for u in USERS[:18]] + [Outcome(u, "failed", "no answer") for u in USERS[18:]]
    books.scale(1, said, [Effect(u) for u in USERS[:18]])
    (found,) = (one for one in ended.check(books.close()) if isinstance(one, Finding))
    assert [proof.text for proof in found.evidence if proof.kind == "batch"] == [
        "who was in work may be among those called failed: users 18, 19"
    ]
