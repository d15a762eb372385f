"""Ladder, safe number, verdict and JUnit file of one report say the same."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest

from harness.judgement import judge
from harness.model.finding import BreaksAt, Finding
from harness.model.record import Record
from harness.model.scenario import Effect, Outcome
from harness.report import junit
from harness.report.ladder import headlines, ladder, safe
from harness.report.text import breaks, reproduce, sentence
from tests.checks.books import Books
from tests.report.staged import found, judged, staged

USERS = [str(n) for n in range(1, 21)]


def in_parts(folder: Path, *, failed: int = 0) -> Record:
    """A batch that takes half of its users a press; `failed` of the first half failed."""
    books = Books(folder / "run", USERS)
    books.pressed(1, done=10 - failed, failed=failed)
    books.pressed(2, done=20 - failed, failed=failed)
    said = [Outcome(u, "failed" if n < failed else "ok") for n, u in enumerate(USERS)]
    books.said("items-1-first", said[:10])
    books.scale(1, said, [Effect(u) for u in USERS[failed:]], presses=2)
    return books.close()


def failures(record: Record) -> list[str]:
    suite = ET.fromstring(junit.render(judge(record), record))[0]
    return [case.attrib["name"] for case in suite.iter("testcase") if case.find("failure") is not None]


def test_a_batch_that_works_in_parts_by_itself_passes_in_every_report(tmp_path: Path) -> None:
    record = in_parts(tmp_path)
    verdict = judge(record)
    assert verdict.verdict == "ready" and failures(record) == []
    assert [(rung.state, rung.text) for rung in ladder(record)] == [
        ("passed", "got through; needed 2 presses")
    ]
    assert safe(record, verdict.findings).users == 20


def test_a_batch_that_stops_at_a_failing_user_is_broken_in_every_report(tmp_path: Path) -> None:
    record = in_parts(tmp_path, failed=1)
    verdict = judge(record)
    assert verdict.verdict == "not_ready" and "button at 1x" in failures(record)
    assert safe(record, verdict.findings).users == 0


def anywhere(code: str) -> Finding:
    return msgspec.structs.replace(found(code=code), trigger="", breaks_at=None, counts={"press 1": 3})


def test_what_strikes_at_any_number_is_named_beside_the_safe_number(tmp_path: Path) -> None:
    record = in_parts(tmp_path)
    assert safe(record, [anywhere("DUP-006"), anywhere("ITEM-013"), anywhere("DUP-006")]).text == (
        "20: the largest number that ran to the end with nothing in the way; at any number: DUP-006, ITEM-013"
    )


def test_a_scale_of_one_user_reads_well(tmp_path: Path) -> None:
    record = staged(tmp_path)
    first = msgspec.structs.replace(found(), breaks_at=BreaksAt(users=1, last_passing=0, first_failing=1))
    assert headlines(record, [first])[0].at == "1 user"


def test_ready_says_no_more_than_the_findings(tmp_path: Path) -> None:
    record = in_parts(tmp_path)
    verdict = msgspec.structs.replace(judge(record), findings=[found(severity="medium")])
    assert sentence(verdict, record.manifest).endswith("nothing that keeps it from running broke up to 1x.")
    assert sentence(judge(record), record.manifest).endswith("nothing broke up to 1x.")


@pytest.mark.parametrize(
    ("at", "told"),
    [
        (BreaksAt(users=2, last_passing=1, first_failing=2), "2 users; 1 still passes"),
        (
            BreaksAt(
                users=None, value=16, unit="at once", last_passing=8, first_failing=16, method="3 steps"
            ),
            "16 at once; 8 still pass (3 steps)",
        ),
        (
            BreaksAt(users=None, value=4, unit="at once", first_failing=4),
            "4 at once",
        ),
    ],
)
def test_where_a_wall_stands_is_told_in_what_was_counted(at: BreaksAt, told: str) -> None:
    assert breaks(at) == told


def test_the_line_that_shows_it_again_can_be_pasted_into_a_shell() -> None:
    again = msgspec.structs.replace(found("my scenario.py; ls"), counts={})
    assert reproduce(again) == "rehearse run 'my scenario.py; ls' --seed 1"


def test_junit_names_what_was_not_seen_once_and_without_numbers(tmp_path: Path) -> None:
    record = staged(tmp_path)

    def cases(count: int) -> list[tuple[str, str]]:
        gaps = [(f"{count:,} users at 2x", "never begun"), (f"{count + 1} users at 2x", "told twice"),
                (f"why {count} of 40 users fail", "the calls ran out")]  # fmt: skip
        verdict = judged(record, findings=[])
        verdict.not_checked[:] = [
            msgspec.convert({"probe": p, "why": w}, type(verdict.not_checked[0])) for p, w in gaps
        ]
        skipped = ET.fromstring(junit.render(verdict, record)).iter("testcase")
        return [(case.attrib["name"], told.attrib["message"]) for case in skipped
                if (told := case.find("skipped")) is not None]  # fmt: skip

    assert cases(1_003) == [
        ("users at 2x", "1,003 users at 2x: never begun; 1004 users at 2x: told twice"),
        ("why users fail", "why 1003 of 40 users fail: the calls ran out"),
    ]
    assert [name for name, _ in cases(2)] == ["users at 2x", "why users fail"]


def test_where_no_batch_was_started_nobody_is_said_to_be_able_to_run(tmp_path: Path) -> None:
    verdict = judge(in_parts(tmp_path))
    manifest = msgspec.structs.replace(in_parts(tmp_path / "b").manifest, triggers=[])
    assert sentence(verdict, manifest) == (
        "Nothing broke in what was played. The batch of books was not started: no number of users was rehearsed."
    )


@pytest.mark.parametrize(
    ("advice", "first"),
    [
        ("Send it in the body. Or raise the limit.", "Send it in the body."),
        ("Ask before calling it failed; else it is paid twice.", "Ask before calling it failed."),
        ("Look at /app/a.py:81: a list grows. Until then wait.", "Look at /app/a.py:81: a list grows."),
        ("Read who is due", "Read who is due."),
    ],
)  # fmt: skip
def test_what_to_change_first_is_a_sentence_of_its_own(advice: str, first: str, tmp_path: Path) -> None:
    record = in_parts(tmp_path)
    finding = msgspec.structs.replace(found(), advice=advice)
    assert headlines(record, [finding])[0].change == first
