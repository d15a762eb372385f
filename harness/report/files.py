"""Writes the reports of one judgement beside its record. A file is written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import msgspec

from harness.model.finding import Verdict
from harness.model.record import Record
from harness.report.html import render


def as_json(verdict: Verdict) -> bytes:
    """report.json: the contract that others read."""
    return msgspec.json.format(msgspec.json.encode(verdict), indent=2) + b"\n"


def write_reports(verdict: Verdict, record: Record) -> list[Path]:
    """report.json and report.html in the record's folder; returns their paths."""
    wanted = {"report.json": as_json(verdict), "report.html": render(verdict, record).encode()}
    written = []
    for name, content in wanted.items():
        path = record.folder / name
        partial = path.with_name(f".{name}.partial")
        partial.write_bytes(content)
        partial.replace(path)
        written.append(path)
    return written
