"""Writes reports of a rehearsal again: RUN is its folder, such as reports/friday_payouts/latest.

\b
rehearse report reports/friday_payouts/latest --format html
"""

from __future__ import annotations

from pathlib import Path

import click

from harness.judgement import judge
from harness.model.record import Record
from harness.report.files import write_reports


@click.command("report", help=__doc__)
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--format", "formats", default="html,json", show_default=True, help="Which: html, json.")
def command(run: Path, formats: str) -> None:
    wanted = {part.strip() for part in formats.split(",")}
    if not wanted <= {"html", "json"}:
        raise click.BadParameter(f"{', '.join(sorted(wanted - {'html', 'json'}))}: there are html and json")
    record = Record(run)
    for path in write_reports(judge(record), record):
        if path.suffix[1:] in wanted:
            click.echo(path)
