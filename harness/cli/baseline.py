"""Keeps what was rehearsed as the baseline that later runs are compared with.

\b
rehearse baseline accept reports/friday_payouts/latest
rehearse baseline accept reports/friday_payouts/20260*        several runs are repeats: tolerances are learned
rehearse baseline show baselines/friday_payouts.json
"""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.compare import read_side
from harness.cli.screen import json_option, put_json
from harness.errors import EnvironmentProblem, UsageError
from harness.measures import baseline
from harness.measures.side import joined
from harness.model.names import fresh, sound
from harness.report.text import plural

ACCEPT = """Writes the baseline of RUN, or of several runs as its repeats.

\b
rehearse baseline accept reports/friday_payouts/latest
rehearse baseline accept reports/friday_payouts/20260* --out baselines/friday_payouts.json --replace
"""
SHOW = """Prints the baseline FILE as JSON.

\b
rehearse baseline show baselines/friday_payouts.json
"""


@click.group("baseline", help=__doc__)
def command() -> None:
    pass


@command.command("accept", help=ACCEPT)
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="[default: baselines/<scenario>.json]")
@click.option("--replace", is_flag=True, help="Put it in the place of an older one.")
@json_option
def accept(runs: tuple[Path, ...], out: Path | None, replace: bool, machine: bool) -> None:
    side = joined([read_side(run) for run in dict.fromkeys(run.resolve() for run in runs)])
    path = out or Path("baselines") / f"{sound(side.setting.scenario, 'the scenario')}.json"
    if path.exists() and not replace:
        raise UsageError(
            f"{path} is there already",
            expected="a new file",
            fix="look at it with `rehearse compare`, then accept with --replace, or give --out",
        )
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh(partial).write_bytes(baseline.encode(side))
        partial.replace(path)
    except OSError as problem:
        raise EnvironmentProblem(
            f"{path} cannot be written: {problem.strerror}",
            expected="a place where a file can be written",
            fix="give another one with --out",
        ) from problem
    click.echo(
        f"{path}: {plural(len(side.runs), 'run')}, {plural(len(side.measures), 'measure')}", err=machine
    )
    if machine:
        put_json({"baseline": str(path), "runs": side.runs, "measures": list(side.measures)})


@command.command("show", help=SHOW)
@click.argument("file", type=click.Path(path_type=Path))
@json_option
def show(file: Path, machine: bool) -> None:
    put_json(read_side(file))  # JSON either way
