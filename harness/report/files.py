"""Writes the reports of one judgement beside its record. A file is written whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from harness.model.finding import Verdict
from harness.model.names import fresh, within
from harness.model.record import Record
from harness.model.redaction import SECRETS
from harness.report import html, junit, markdown, sarif
from harness.report.pytests import files_of


def as_json(verdict: Verdict) -> bytes:
    """report.json: the contract that others read."""
    return msgspec.json.format(msgspec.json.encode(verdict), indent=2) + b"\n"


def schema() -> bytes:
    """The JSON Schema of report.json, as it stands in harness/model/data/report.schema.json."""
    return msgspec.json.format(msgspec.json.encode(msgspec.json.schema(Verdict)), indent=2) + b"\n"


Writer = Callable[[Verdict, Record], bytes]

FORMATS: dict[str, tuple[str, Writer]] = {
    "json": ("report.json", lambda verdict, record: as_json(verdict)),
    "html": ("report.html", lambda verdict, record: html.render(verdict, record).encode("utf-8", "replace")),
    "md": ("summary.md", markdown.render),
    "junit": ("junit.xml", junit.render),
    "sarif": ("results.sarif", sarif.render),
}


def write_reports(verdict: Verdict, record: Record, formats: Iterable[str] = FORMATS) -> list[Path]:
    """The reports in the record's folder, all or those of some formats, and a test for each cause; returns the
    paths of the reports."""
    for name, test in files_of(record).items():
        write_whole(within(record.folder, name), test.encode())
    written = []
    for name, render in (FORMATS[wanted] for wanted in formats):
        path = record.folder / name
        write_whole(path, render(verdict, record))
        written.append(path)
    return written


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file whole or not at all."""
    path.parent.mkdir(exist_ok=True)
    partial = fresh(path.with_name(f".{path.name}.partial"))
    partial.write_bytes(SECRETS.mask_bytes(content))
    partial.replace(path)
