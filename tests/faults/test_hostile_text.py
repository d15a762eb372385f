"""R15: forty hostile texts wherever one comes from outside, into every sink: files parse, nothing is obeyed."""

from __future__ import annotations

import ast
import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree as ET

import pytest
from jsonschema import Draft202012Validator
from markdown_it import MarkdownIt
from rich.console import Console

from harness.cli.ending import explain_error
from harness.errors import UsageError
from harness.model.causes import Cause, CauseFound
from harness.model.finding import Verdict
from harness.model.record import Record, RecordWriter
from harness.population.writing import Csv
from harness.report import files, github, html, junit, markdown, sarif
from harness.report.pytests import files_of
from harness.report.terminal import show
from tests.faults.rows import Row, Trial
from tests.report.hostile import HOSTILE, writable
from tests.report.staged import judged, staged

R15 = Row("R15")
SCHEMA = json.loads((Path(html.__file__).parents[1] / "model/data/report.schema.json").read_text())
TAGS = {
    "html", "head", "meta", "link", "title", "style", "body", "a", "header", "h1", "h2", "h3", "main", "section",
    "strong", "p", "b", "div", "table", "thead", "tbody", "tr", "th", "td", "br", "small", "article", "span", "dl",
    "dt", "dd", "code", "ul", "li", "figure", "figcaption", "svg", "desc", "line", "text", "polyline", "polygon",
    "circle", "path", "nav", "em", "caption", "rect",
}  # fmt: skip


OBEYED = {"html_block", "html_inline", "link_open", "image", "fence", "code_block", "s_open", "code_inline"}


@dataclass(frozen=True)
class Stage:
    """One text, and a rehearsal that has it in every place that comes from outside."""

    text: str
    record: Record

    @property
    def verdict(self) -> Verdict:
        return judged(self.record, self.text)


def prepared(trial: Trial, folder: Path) -> Stage:
    """The rehearsal with the text of this trial; it has fired once the record really holds it."""
    text = writable(HOSTILE[trial.number])
    record = staged(folder, text)
    assert text in (record.manifest.summary, record.table("items-1")["detail"][0])
    trial.fired("the record holds the text")
    return Stage(text, record)


def into(sink: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """All forty texts into a sink."""
    return R15.trials(sink, quick=len(HOSTILE), full=len(HOSTILE))


def test_there_are_forty() -> None:
    assert len(set(HOSTILE)) == 40


class Page(HTMLParser):
    """Collects what a browser would see of elements and attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str]] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {(name, value or "") for name, value in attrs}


@into("HTML")
def test_the_page_has_only_its_own_elements(trial: Trial, tmp_path: Path) -> None:
    there = prepared(trial, tmp_path)
    record = there.record
    page = Page()
    written = html.render(there.verdict, record)
    assert len(written.encode()) <= 1_000_000
    page.feed(written)
    assert page.tags <= TAGS
    assert not [name for name, _ in page.attributes if name.startswith("on") or name in ("style", "src")]
    assert all(value.startswith(("#", "data:,")) for name, value in page.attributes if name == "href")
    assert [value for name, value in page.attributes if name == "http-equiv"] == ["Content-Security-Policy"]


@into("JUnit")
def test_junit_is_xml_for_expat(trial: Trial, tmp_path: Path) -> None:
    there = prepared(trial, tmp_path)
    record = there.record
    suite = ET.fromstring(junit.render(there.verdict, record))[0]
    assert len(suite.findall("testcase")) == int(suite.attrib["tests"]) == 1 + 5 + 3 + 1
    assert {child.tag for case in suite for child in case} <= {"failure", "skipped", "system-out"}


@into("JSON")
def test_report_json_is_valid_by_its_schema(trial: Trial, tmp_path: Path) -> None:
    there = prepared(trial, tmp_path)
    report = json.loads(files.as_json(there.verdict))
    Draft202012Validator(SCHEMA).validate(report)
    assert report["findings"][0]["cause"] == there.text


@into("SARIF")
def test_sarif_is_json_with_a_result_a_finding(trial: Trial, tmp_path: Path) -> None:
    there = prepared(trial, tmp_path)
    record = there.record
    run = json.loads(sarif.render(there.verdict, record))["runs"][0]
    assert [r["partialFingerprints"]["rehearseFinding/v1"] for r in run["results"]] == [
        f"{k:012}" for k in range(5)
    ]
    uri = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert re.fullmatch(r"[\w./%~-]*", uri, re.A)


@into("Markdown")
def test_markdown_has_no_link_image_html_or_heading_from_outside(trial: Trial, tmp_path: Path) -> None:
    there = prepared(trial, tmp_path)
    record = there.record
    told = markdown.render(there.verdict, record).decode()
    tokens = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(told)
    kinds = [token.type for token in tokens] + [c.type for token in tokens for c in token.children or []]
    assert not {
        "html_block",
        "html_inline",
        "link_open",
        "image",
        "fence",
        "code_block",
        "s_open",
        "code_inline",
    } & {*kinds}
    assert kinds.count("heading_open") == 1 + 5 + 2 and kinds.count("table_open") == 1
    assert not re.search(r"[@#]\w|(?<!\\)://|www\.", told)


@into("GitHub's log")
def test_github_reads_no_command_but_ours(trial: Trial, tmp_path: Path) -> None:
    there = prepared(trial, tmp_path)
    record = there.record
    lines = github.commands(there.verdict, record.manifest.source)
    assert len(lines) == 5
    for line in lines:
        assert len(re.split(r"[\r\n\x85\u2028\u2029]", line)) == 1
        assert re.fullmatch(r"::(error|warning|notice) file=[^:,]*,line=1,title=[^:,]*::.*", line)


@into("the terminal")
def test_the_terminal_gets_no_control_character(trial: Trial, tmp_path: Path) -> None:
    there = prepared(trial, tmp_path)
    record = there.record
    screen = io.StringIO()
    show(there.verdict, record, Console(file=screen, force_terminal=False, width=100))
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", screen.getvalue())


@into("CSV")
def test_a_spreadsheet_runs_no_cell(trial: Trial, tmp_path: Path) -> None:
    text = writable(HOSTILE[trial.number])
    out = io.BytesIO()
    Csv(out, ["name"]).add(SimpleNamespace(values=lambda: {"name": [text]}))
    trial.fired("it is a user's name")
    rows = list(csv.reader(io.StringIO(out.getvalue().decode(), newline="")))
    assert len(rows) == 2 and rows[1][0].removeprefix("'") == text.removeprefix("'")
    assert rows[1][0][:1] not in tuple("=+-@\t\r\n\0")


@into("a test that is written")
def test_a_generated_test_holds_it_as_a_value_only(trial: Trial, tmp_path: Path) -> None:
    there = prepared(trial, tmp_path)
    cause = Cause(
        sentence=f"users whose name is {there.text} fail", key="k", about="data", fields=["name"],
        signature=there.text, such=1, failing=1, explained=1, failures=1, index=0, labels=[],
        example={"name": there.text},
    )  # fmt: skip
    with RecordWriter(tmp_path / "more") as writer:
        writer.manifest(there.record.manifest)
        writer.event(
            CauseFound(scale=1, service=there.text, item=there.text, cause=cause, requests=[there.text])
        )
    (written,) = files_of(Record(tmp_path / "more")).values()
    tree = ast.parse(written)
    kinds = [type(node).__name__ for node in tree.body]
    assert kinds == ["Expr", "ImportFrom", "Assign", "Assign", "Assign", "FunctionDef"]
    called = [ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert called == ["outcome_of", "outcome_of"]
    assert ast.literal_eval(tree.body[4].value) == {"name": there.text}


@into("an error message")
def test_an_error_has_no_control_character(trial: Trial, capsys: pytest.CaptureFixture[str]) -> None:
    text = writable(HOSTILE[trial.number])
    explain_error(UsageError(f"seen {text}", expected=text, cause=text, fix=text))
    trial.fired("it is in the error")
    printed = capsys.readouterr().err
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", printed)
    assert len(printed) > len(text) // 2
