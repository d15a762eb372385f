"""Writes the reports of one judgement beside its record. A file is written whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from harness.measures.compare import Comparison
from harness.model.finding import Verdict
from harness.model.names import fresh, within
from harness.model.record import Record
from harness.model.redaction import SECRETS
from harness.model.room import NoRoom, left_in, room_for
from harness.report import html, junit, markdown, sarif
from harness.report.compared import NAME
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
    paths of the reports. Where some have no room the others are written, and NoRoom is raised for those."""
    refused, written = [], []

    def write(path: Path, content: bytes) -> None:
        try:
            write_whole(path, content)
        except NoRoom as problem:
            refused.append(problem)

    for name, test in files_of(record).items():
        write(within(record.folder, name), test.encode())
    for name, render in (FORMATS[wanted] for wanted in formats):
        written.append(record.folder / name)
        write(written[-1], render(verdict, record))
    if refused:
        raise NoRoom(
            "; ".join(problem.seen for problem in refused), expected=refused[0].expected, fix=refused[0].fix
        )
    return written


def write_moved(moved: Comparison | None, record: Record) -> None:
    """Writes what moved since the baseline, or takes away what an earlier judgement has told of that."""
    path = record.folder / NAME
    path.unlink(missing_ok=True)
    if moved is not None:
        write_whole(path, msgspec.json.encode(moved))


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file of a run whole or not at all. Raises NoRoom where the run's folder has none for it."""
    content = SECRETS.mask_bytes(content)
    path.parent.mkdir(exist_ok=True)
    partial = fresh(path.with_name(f".{path.name}.partial"))
    if len(content) > left_in(path.parent):
        path.unlink(missing_ok=True)  # an earlier one tells no longer what is so
        room_for(path, len(content))
    try:
        partial.write_bytes(content)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
