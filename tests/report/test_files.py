"""The reports of one rehearsal: which there are, how large they get, and that the published schema is the code's."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest

import harness.model
from harness.errors import UsageError
from harness.judgement import judge
from harness.model.finding import Evidence, NotChecked
from harness.model.record import Record
from harness.report import files, github, html, junit, markdown, sarif
from tests.report.staged import found, judged, staged


def test_every_format_is_written_whole(tmp_path: Path) -> None:
    record = staged(tmp_path)
    written = files.write_reports(judge(record), record)
    assert [path.name for path in written] == [
        "report.json",
        "report.html",
        "summary.md",
        "junit.xml",
        "results.sarif",
    ]
    assert not list(tmp_path.glob(".*.partial"))


def test_a_run_may_be_named_by_the_link_to_the_latest(tmp_path: Path) -> None:
    staged(tmp_path / "run")
    (tmp_path / "latest").symlink_to("run")
    record = Record(tmp_path / "latest")
    files.write_reports(judge(record), record)
    assert (tmp_path / "run" / "report.html").is_file()


def test_the_published_schema_is_that_of_the_code() -> None:
    published = Path(harness.model.__file__).parent / "data/report.schema.json"
    assert published.read_bytes() == files.schema(), "write files.schema() into it again"


def test_no_report_outgrows_its_reader(tmp_path: Path) -> None:
    record = staged(tmp_path)
    many = [found("x" * 50_000, id=f"{k:012}") for k in range(700)]
    many = [*many, *(found(f"light {k}", "low", id=f"{k:x}") for k in range(6000))]
    verdict = judged(record, findings=many)
    verdict.not_checked.extend(NotChecked(f"{k}", "y" * 5000) for k in range(1000))
    assert len(html.render(verdict, record).encode()) <= 1_000_000
    assert len(markdown.render(verdict, record)) < 65_536, "a comment on GitHub"
    assert b"more parts did not fit" in markdown.render(verdict, record)
    results = json.loads(sarif.render(verdict, record))["runs"][0]["results"]
    assert len(results) == 5000 and results[0]["rank"] > results[-1]["rank"]
    lines = github.commands(verdict, "s.py")
    assert len([line for line in lines if line.startswith("::error")]) == 10
    assert "691 more findings" in lines[9]


def test_junit_names_do_not_move_with_numbers(tmp_path: Path) -> None:
    record = staged(tmp_path)

    def names(title: str) -> list[str]:
        finding = msgspec.structs.replace(found(), title=title)
        cases = ET.fromstring(junit.render(judged(record, findings=[finding]), record)).iter("testcase")
        return [case.attrib["name"] for case in cases]

    assert names("full at user 3,685") == names("full at user 3,700")


def test_what_was_not_seen_is_skipped_and_never_passed(tmp_path: Path) -> None:
    record = staged(tmp_path)
    suite = ET.fromstring(junit.render(judged(record, "log of the gateway"), record))[0]
    case = next(case for case in suite if case.attrib["name"] == "log of the gateway")
    assert case.find("skipped") is not None


def test_a_refusals_page_is_told_without_its_tags(tmp_path: Path) -> None:
    record = staged(tmp_path)
    page = (
        "status 414: <html><head><title>Too Long</title><style>p {}</style></head><body><p>4097 &gt; 4094</p>"
    )
    finding = found()
    finding.evidence[:] = [Evidence("response", page)]
    told = html.render(judged(record, findings=[finding]), record)
    assert "response: status 414: Too Long 4097 &gt; 4094<" in told


def test_a_comparison_that_was_cut_off_is_told_with_its_path(tmp_path: Path) -> None:
    record = staged(tmp_path / "run")
    (record.folder / "comparison.json").write_text('{"changes": [')
    with pytest.raises(UsageError, match=r"comparison\.json cannot be read"):
        html.render(judge(record), record)
