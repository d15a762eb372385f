"""Writes reports of a rehearsal again: RUN is its folder, such as reports/friday_payouts/latest.

\b
rehearse report reports/friday_payouts/latest --format html,md,junit,sarif
"""

from __future__ import annotations

from pathlib import Path

import click

from harness.judgement import judge
from harness.model.record import Record
from harness.report.files import FORMATS, write_reports


@click.command("report", help=__doc__)
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--format", "formats", default="html,json", show_default=True, help=f"Which: {', '.join(FORMATS)}."
)
def command(run: Path, formats: str) -> None:
    wanted = list(dict.fromkeys(part.strip() for part in formats.split(",")))
    unknown = [part for part in wanted if part not in FORMATS]
    if unknown:
        raise click.BadParameter(f"{', '.join(unknown)}: there are {', '.join(FORMATS)}")
    record = Record(run)
    for path in write_reports(judge(record), record, wanted):
        click.echo(path)
