"""The HTML report: one file, nothing fetched, every text inert."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from msgspec.structs import replace

from harness.judgement import judge
from harness.model.causes import CauseFound
from harness.model.events import Ended
from harness.model.finding import Evidence, Finding, Verdict
from harness.model.record import Record, RecordWriter
from harness.report.curves import finish
from harness.report.html import render
from harness.report.text import inert
from tests.checks.test_causes import CAUSE
from tests.checks.test_causes import record as written
from tests.model.test_record import MANIFEST
from tests.report.staged import staged

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7*7 }}\x1b[31m\u202e"


def page(tmp_path: Path) -> str:
    shutil.rmtree(tmp_path)
    with RecordWriter(tmp_path) as writer:
        writer.manifest(MANIFEST)
    finding = Finding(
        code="URL-001", id="0" * 12, severity="high", title=HOSTILE, service=HOSTILE, cause=HOSTILE, advice=HOSTILE,
        evidence=[Evidence(HOSTILE, HOSTILE)], config_key=HOSTILE, trigger=HOSTILE,
    )  # fmt: skip
    verdict = Verdict(
        scenario="s",
        run="r",
        seed=1,
        verdict="not_ready",
        scales=[1],
        findings=[finding],
        not_checked=[],
        measurements={},
    )
    return render(verdict, Record(tmp_path))


def test_nothing_from_outside_becomes_markup(tmp_path: Path) -> None:
    text = page(tmp_path)
    assert "<script" not in text and "<img" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "{{ 7*7 }}" in text and "\x1b" not in text and "\u202e" not in text


def test_nothing_is_fetched_and_the_policy_allows_only_the_own_style(tmp_path: Path) -> None:
    text = page(tmp_path)
    assert "default-src 'none'" in text
    assert not re.search(r'(src|href)="?https?:', text)


def test_text_is_made_inert_and_stays_readable() -> None:
    assert inert("Zoë O'Neill 李\n") == "Zoë O'Neill 李\n"
    assert inert("a\x00b\u2066c") == "a�b�c"


def test_the_parts_stand_in_the_order_in_which_they_are_asked_for(tmp_path: Path) -> None:
    """What breaks, how far it gets, what to change; then the evidence; then what nobody looked at, and with what."""
    parts = re.findall(r'<h2 id="(\w+)"', page(tmp_path))
    assert parts == ["ladder", "findings", "items", "memory", "time", "sizes", "causes", "unseen", "held"]
    assert page(tmp_path).index('class="verdict') < page(tmp_path).index('id="ladder"')


def test_a_cause_in_somebodys_turn_leads_to_its_own_finding(tmp_path: Path) -> None:
    cause = replace(CAUSE, about="place", sentence="users whose place in the batch is 9 or more fail")
    event = CauseFound(scale=5, service="batch", item="1", cause=cause, requests=[])
    record = written(tmp_path / "run", {}, event)
    verdict = judge(record)
    text = render(verdict, record)
    (link,) = re.findall(r'<article class="cause"><h3><a href="#f-(\w+)"', text)
    assert link == next(finding.id for finding in verdict.findings if finding.code == "ITEM-022")
    assert f'<article id="f-{link}"' in text


def test_only_those_who_were_rehearsed_are_said_to_have_been(tmp_path: Path) -> None:
    record = staged(tmp_path)
    record.events[:] = [one for one in record.events if getattr(one, "scale", 0) < 5]
    text = render(judge(record), record)
    assert "<b>20</b> <span>users were rehearsed at 2x</span>" in text and "50 were asked for" in text


def test_one_press_is_one(tmp_path: Path) -> None:
    assert finish(staged(tmp_path, scales=(1,)))[1] == "10 users took 1.0 s of work in 1 press"
    assert finish(staged(tmp_path / "b", scales=(1,)))[0].startswith("1 scale came to its end")


def test_a_load_without_a_batch_says_that_nobody_was_rehearsed(tmp_path: Path) -> None:
    with RecordWriter(tmp_path / "run") as writer:
        writer.manifest(replace(MANIFEST, triggers=[]))
        writer.event(Ended(status="completed", why="", seconds=1.0, harness_cpu=0.1))
    record = Record(tmp_path / "run")
    text = render(judge(record), record)
    assert "<b>0</b> <span>users were rehearsed</span>" in text
    assert "was not started: no number of users was rehearsed" in text
