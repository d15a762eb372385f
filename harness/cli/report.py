"""Writes reports of a rehearsal again: RUN is its folder, such as reports/friday_payouts/latest.

\b
rehearse report reports/friday_payouts/latest --format html,md,junit,sarif
"""

from __future__ import annotations

import difflib
from pathlib import Path

import click

from harness.cli.screen import json_option, put, put_json
from harness.judgement import judge
from harness.model.record import Record
from harness.report.files import FORMATS, write_reports


@click.command("report", help=__doc__)
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--format", "formats", default="html,json", show_default=True, help=f"Which: {', '.join(FORMATS)}."
)
@json_option
def command(run: Path, formats: str, machine: bool) -> None:
    wanted = list(dict.fromkeys(part.strip() for part in formats.split(",")))
    unknown = [part for part in wanted if part not in FORMATS]
    if unknown:
        near = difflib.get_close_matches(unknown[0], list(FORMATS), n=1, cutoff=0.4)
        meant = f"; did you mean {near[0]}?" if near else ""
        raise click.BadParameter(f"{', '.join(unknown)}: there are {', '.join(FORMATS)}{meant}")
    record = Record(run)
    paths = write_reports(judge(record), record, wanted)
    if machine:
        put_json(list(map(str, paths)))
    else:
        put("".join(f"{path}\n" for path in paths).encode())
