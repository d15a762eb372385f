"""Writes reports of a rehearsal again: RUN is its folder, such as reports/friday_payouts/latest.

\b
rehearse report reports/friday_payouts/latest --format html,md,junit,sarif
"""

from __future__ import annotations

import difflib
import json
from pathlib import Path

import click

from harness.cli.screen import put
from harness.judgement import judge
from harness.model.record import Record
from harness.report.files import FORMATS, write_reports


@click.command("report", help=__doc__)
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--format", "formats", default="html,json", show_default=True, help=f"Which: {', '.join(FORMATS)}."
)
@click.option("--json", "machine", is_flag=True, help="Print the paths as one JSON document.")
def command(run: Path, formats: str, machine: bool) -> None:
    wanted = list(dict.fromkeys(part.strip() for part in formats.split(",")))
    unknown = [part for part in wanted if part not in FORMATS]
    if unknown:
        near = difflib.get_close_matches(unknown[0], list(FORMATS), n=1, cutoff=0.4)
        meant = f"; did you mean {near[0]}?" if near else ""
        raise click.BadParameter(f"{', '.join(unknown)}: there are {', '.join(FORMATS)}{meant}")
    record = Record(run)
    paths = write_reports(judge(record), record, wanted)
    lines = json.dumps([str(path) for path in paths], indent=2) if machine else "\n".join(map(str, paths))
    put(f"{lines}\n".encode())
