"""Judges the record of a rehearsal again, with no engine: RUN is its folder, such as reports/friday_payouts/latest.

\b
rehearse judge reports/friday_payouts/latest
"""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from harness.cli import github
from harness.cli.run import FailOn, exit_code
from harness.judgement import judge
from harness.model.record import Record
from harness.report.files import as_json, write_reports
from harness.report.terminal import show


@click.command("judge", help=__doc__)
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--json", "machine", is_flag=True, help="Print report.json to stdout, everything else to stderr."
)
@click.option(
    "--fail-on", type=click.Choice(["critical", "high", "medium", "never"]), default="high", show_default=True
)
def command(run: Path, machine: bool, fail_on: FailOn) -> None:
    record = Record(run)
    verdict = judge(record)
    write_reports(verdict, record)
    show(verdict, record, Console(stderr=machine))
    github.tell(verdict, record)
    if machine:
        click.echo(as_json(verdict), nl=False)
    raise click.exceptions.Exit(exit_code(verdict, fail_on))
