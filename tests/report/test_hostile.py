"""Forty hostile texts wherever one comes from outside, into every sink: files parse, nothing is obeyed."""

from __future__ import annotations

import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from jsonschema import Draft202012Validator
from markdown_it import MarkdownIt
from rich.console import Console

from harness.report import files, github, html, junit, markdown, sarif
from harness.report.terminal import show
from tests.report.hostile import HOSTILE
from tests.report.staged import judged, staged

SCHEMA = json.loads((Path(html.__file__).parents[1] / "model/data/report.schema.json").read_text())
TAGS = {
    "html", "head", "meta", "link", "title", "style", "body", "a", "header", "h1", "h2", "h3", "main", "section",
    "strong", "p", "b", "div", "table", "thead", "tbody", "tr", "th", "td", "br", "small", "article", "span", "dl",
    "dt", "dd", "code", "ul", "li", "figure", "figcaption", "svg", "desc", "line", "text", "polyline", "polygon",
    "circle", "path",
}  # fmt: skip


OBEYED = {"html_block", "html_inline", "link_open", "image", "fence", "code_block", "s_open", "code_inline"}


def writable(text: str) -> str:
    """A lone surrogate cannot be in a record, which is UTF-8; all else can."""
    return text.encode("utf-8", "replace").decode()


@pytest.fixture(params=range(len(HOSTILE)))
def text(request: pytest.FixtureRequest) -> str:
    return writable(HOSTILE[request.param])


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


def test_the_page_has_only_its_own_elements(tmp_path: Path, text: str) -> None:
    record = staged(tmp_path, text)
    page = Page()
    written = html.render(judged(record, text), record)
    assert len(written.encode()) <= 1_000_000
    page.feed(written)
    assert page.tags <= TAGS
    assert not [name for name, _ in page.attributes if name.startswith("on") or name in ("style", "src")]
    assert all(value.startswith(("#", "data:,")) for name, value in page.attributes if name == "href")
    assert [value for name, value in page.attributes if name == "http-equiv"] == ["Content-Security-Policy"]


def test_junit_is_xml_for_expat(tmp_path: Path, text: str) -> None:
    record = staged(tmp_path, text)
    suite = ET.fromstring(junit.render(judged(record, text), record))[0]
    assert len(suite.findall("testcase")) == int(suite.attrib["tests"]) == 1 + 5 + 3 + 1
    assert {child.tag for case in suite for child in case} <= {"failure", "skipped", "system-out"}


def test_report_json_is_valid_by_its_schema(tmp_path: Path, text: str) -> None:
    record = staged(tmp_path, text)
    report = json.loads(files.as_json(judged(record, text)))
    Draft202012Validator(SCHEMA).validate(report)
    assert report["findings"][0]["cause"] == text


def test_sarif_is_json_with_a_result_a_finding(tmp_path: Path, text: str) -> None:
    record = staged(tmp_path, text)
    run = json.loads(sarif.render(judged(record, text), record))["runs"][0]
    assert [r["partialFingerprints"]["rehearseFinding/v1"] for r in run["results"]] == [
        f"{k:012}" for k in range(5)
    ]
    uri = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert re.fullmatch(r"[\w./%~-]*", uri, re.A)


def test_markdown_has_no_link_image_html_or_heading_from_outside(tmp_path: Path, text: str) -> None:
    record = staged(tmp_path, text)
    told = markdown.render(judged(record, text), record).decode()
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


def test_github_reads_no_command_but_ours(tmp_path: Path, text: str) -> None:
    record = staged(tmp_path, text)
    lines = github.commands(judged(record, text), record.manifest.source)
    assert len(lines) == 5
    for line in lines:
        assert len(re.split(r"[\r\n\x85\u2028\u2029]", line)) == 1
        assert re.fullmatch(r"::(error|warning|notice) file=[^:,]*,line=1,title=[^:,]*::.*", line)


def test_the_terminal_gets_no_control_character(tmp_path: Path, text: str) -> None:
    record = staged(tmp_path, text)
    screen = io.StringIO()
    show(judged(record, text), record, Console(file=screen, force_terminal=False, width=100))
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", screen.getvalue())
