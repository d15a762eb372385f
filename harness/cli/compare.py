"""Compares B with A: what is worse, what is better, and what was not measured. Each is the folder of a run, a folder
of several runs (repeats), or a baseline that was accepted.

Where A and B are scenario files, such as those of two worktrees, both are rehearsed first: in turn, A B B A, so that
both see the same machine, and --repeat times each. What stands behind -- goes to each `rehearse run`.

\b
rehearse compare baselines/friday_payouts.json reports/friday_payouts/latest
rehearse compare reports/before reports/after --json
rehearse compare ../before/scenarios/mine.py scenarios/mine.py --repeat 5 -- --scales 1,2 --stage process

\b
exit codes: 0 nothing is worse, 1 something is, 2 usage, 3 cannot be compared or was not measured any more
"""

from __future__ import annotations

import time
from pathlib import Path

import click
from msgspec.structs import replace
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.cli.child import HELD, called
from harness.cli.screen import json_option, put_json, screen
from harness.errors import UsageError
from harness.judgement import judge
from harness.measures import baseline
from harness.measures.compare import Comparison, compare
from harness.measures.side import Side, joined, side
from harness.model.record import Record
from harness.report.compared import COLUMNS, cells, told
from harness.report.text import inert

REPEAT = 5
STYLE = {"worse": "bold red", "better": "green", "same": "dim", "unseen": "yellow"}


@click.command("compare", help=__doc__)
@click.argument("a", type=click.Path(path_type=Path))
@click.argument("b", type=click.Path(path_type=Path))
@click.argument("words", nargs=-1, metavar="[-- OPTIONS OF RUN]", type=click.UNPROCESSED)
@click.option("--repeat", type=click.IntRange(min=1), help="Rehearsals of each scenario.  [default: 5]")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder of those.  [default: reports/compared/<time>]"
)
@json_option
def command(
    a: Path, b: Path, words: tuple[str, ...], repeat: int | None, out: Path | None, machine: bool
) -> None:
    if _is_scenario(a) and _is_scenario(b):
        folder = out or Path("reports", "compared", time.strftime("%Y%m%d-%H%M%S", time.gmtime()))
        before, after = rehearsed((a, b), repeat or REPEAT, words, folder.absolute())
    elif words or repeat or out:
        raise UsageError(
            "--repeat, --out and options of `rehearse run` are about scenarios that are rehearsed first",
            expected="two scenario files with them",
            fix=f"leave them out, or give the scenario files instead of {a} and {b}",
        )
    else:
        before, after = read_side(a), read_side(b)
    found = compare(before, after)
    show_changes(found, screen(error=machine))
    if machine:
        put_json(found)
    raise click.exceptions.Exit(1 if found.regressed else 3 if found.blind else 0)


def _is_scenario(path: Path) -> bool:
    return path.name.partition(":")[0].endswith(".py")


def rehearsed(
    scenarios: tuple[Path, Path], repeat: int, words: tuple[str, ...], out: Path
) -> tuple[Side, Side]:
    """Both scenarios, rehearsed in turn, each into a folder of its own. They may have different names. The command
    ends as a rehearsal does that did not come to its end."""
    folders = (out / "a", out / "b")
    for number in range(repeat):
        for which in (0, 1) if number % 2 == 0 else (1, 0):
            click.echo(f"{number + 1} of {repeat}: {scenarios[which]}, into {folders[which]}", err=True)
            own = ["--out", str(folders[which]), "--json", "--quiet"]
            code, _ = called(["run", str(scenarios[which]), *words, *own], Path.cwd())
            if code not in HELD:
                click.echo(f"not compared: the rehearsal of {scenarios[which]} ended with {code}", err=True)
                raise click.exceptions.Exit(code)
    before, after = (read_side(next(folder.iterdir())) for folder in folders)
    setting = replace(after.setting, scenario=before.setting.scenario)
    return before, replace(after, setting=setting)


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
