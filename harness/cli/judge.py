"""Judges the record of a rehearsal again, with no engine: RUN is its folder, such as reports/friday_payouts/latest.

\b
rehearse judge reports/friday_payouts/latest
rehearse judge reports/friday_payouts/latest --fail-on medium --json
rehearse judge reports/friday_payouts/latest --baseline baselines/friday_payouts.json --fail-on-regression

\b
exit codes: 0 ready, 1 findings at or above --fail-on or a regression, 2 no such record, 3 inconclusive
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from harness.cli import telling
from harness.cli.settings import Configured
from harness.model.record import Record


@click.command("judge", cls=Configured, help=__doc__)
@click.argument("run", type=click.Path(path_type=Path))
@telling.options
def command(run: Path, **how: Any) -> None:
    raise click.exceptions.Exit(telling.tell(Record(run), telling.Telling(**how)))
