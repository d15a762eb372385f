"""Writes the reports of one judgement beside its record. A file is written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import msgspec

from harness.model.finding import Verdict
from harness.model.record import Record
from harness.report.html import render
from harness.report.pytests import files_of


def as_json(verdict: Verdict) -> bytes:
    """report.json: the contract that others read."""
    return msgspec.json.format(msgspec.json.encode(verdict), indent=2) + b"\n"


def write_reports(verdict: Verdict, record: Record) -> list[Path]:
    """A test for each cause, report.json and report.html in the record's folder; returns their paths."""
    wanted = {path: text.encode() for path, text in files_of(record).items()}
    wanted |= {"report.json": as_json(verdict), "report.html": render(verdict, record).encode()}
    written = []
    for name, content in wanted.items():
        path = record.folder / name
        path.parent.mkdir(exist_ok=True)
        partial = path.with_name(f".{path.name}.partial")
        partial.write_bytes(content)
        partial.replace(path)
        written.append(path)
    return written
