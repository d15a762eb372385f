"""Compares B with A: what is worse, what is better, and what was not measured. Each is the folder of a run, a folder
of several runs (repeats), or a baseline that was accepted.

\b
rehearse compare baselines/friday_payouts.json reports/friday_payouts/latest
rehearse compare reports/before reports/after --json

\b
exit codes: 0 nothing is worse, 1 something is, 2 usage, 3 cannot be compared or was not measured any more
"""

from __future__ import annotations

from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.cli.screen import put, screen
from harness.errors import UsageError
from harness.judgement import judge
from harness.measures import baseline
from harness.measures.compare import Comparison, compare
from harness.measures.side import Side, joined, side
from harness.model.record import Record
from harness.report.compared import COLUMNS, cells, told
from harness.report.text import inert

STYLE = {"worse": "bold red", "better": "green", "same": "dim", "unseen": "yellow"}


@click.command("compare", help=__doc__)
@click.argument("a", type=click.Path(path_type=Path))
@click.argument("b", type=click.Path(path_type=Path))
@click.option(
    "--json", "machine", is_flag=True, help="Print one JSON document to stdout, all else to stderr."
)
def command(a: Path, b: Path, machine: bool) -> None:
    found = compare(read_side(a), read_side(b))
    show_changes(found, screen(error=machine))
    if machine:
        put(msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n")
    raise click.exceptions.Exit(1 if found.regressed else 3 if found.blind else 0)


def read_side(path: Path) -> Side:
    """A baseline file, a run, or all the runs in a folder. Raises UsageError; CannotTell for a damaged file."""
    if path.is_file():
        return baseline.decode(path.read_bytes(), str(path))
    if (path / "run.json").exists():
        return _run(path)
    runs = sorted({run.parent.resolve() for run in path.glob("*/run.json")})
    if not runs:
        raise UsageError(
            f"{path} holds no run",
            expected="the folder of a run, a folder of runs, or a baseline file",
            fix="give the folder that `rehearse run` named",
        )
    return joined([_run(run) for run in runs])


def _run(folder: Path) -> Side:
    record = Record(folder)
    return side(record, judge(record))


def show_changes(found: Comparison, console: Console) -> None:
    """The measures as a table, worst first, and the findings that are new or gone."""
    table = Table(box=None, pad_edge=False)
    for column in COLUMNS:
        table.add_column(column)
    for change in found.changes:
        table.add_row(*(Text(inert(cell), style=STYLE[change.word]) for cell in cells(change)))
    console.print(table)
    for word, titles in (("new", found.new), ("gone", found.gone)):
        for title in titles.values():
            console.print(
                Text(f"{word} finding: {inert(title)}", style="bold red" if word == "new" else "green")
            )
    console.print(Text(told(found), style="bold"))
