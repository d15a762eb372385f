"""The end of `run` and of `judge`: the verdict, what moved against a baseline, the reports, and the exit code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import click

from harness.cli import github
from harness.cli.compare import read_side, show_changes
from harness.cli.ending import explain_error, full_disk
from harness.cli.screen import put, screen
from harness.errors import CannotTell, EnvironmentProblem
from harness.judgement import at_or_above, judge
from harness.measures.compare import Comparison, compare
from harness.measures.side import side
from harness.model.finding import Verdict
from harness.model.record import Record
from harness.model.room import NoRoom
from harness.report.files import as_json, write_moved, write_reports
from harness.report.terminal import show, show_end

FailOn = Literal["critical", "high", "medium", "never"]


@dataclass(frozen=True)
class Telling:
    """What is told, and what counts: the lightest finding that makes the exit code 1, and the baseline."""

    fail_on: FailOn
    baseline: Path | None = None
    fail_on_regression: bool = False
    machine: bool = False
    quiet: bool = False


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that fill a Telling."""
    for option in (
        click.option("--quiet", "-q", is_flag=True, help="Print the verdict alone, without findings and table."),
        click.option("--json", "machine", is_flag=True, help="Print report.json to stdout, all else to stderr."),
        click.option(
            "--fail-on-regression", is_flag=True,
            help="Exit code 1 where something is worse than the baseline, 3 where that cannot be told.",
        ),
        click.option(
            "--baseline", type=click.Path(path_type=Path),
            help="What to compare with.  [default with --fail-on-regression: baselines/<scenario>.json]",
        ),
        click.option(
            "--fail-on", type=click.Choice(["critical", "high", "medium", "never"]), default="high",
            show_default=True, help="The lightest finding that makes the exit code 1.",
        ),
    ):  # fmt: skip
        command = option(command)
    return command


def taken(given: dict[str, Any]) -> Telling:
    """The Telling among the options of a command, taken out of them."""
    return Telling(**{name: given.pop(name) for name in Telling.__dataclass_fields__})


def tell(record: Record, how: Telling) -> int:
    """Judges, compares, writes the reports, shows them; returns the exit code."""
    console = screen(error=how.machine)
    verdict = judge(record)
    moved, broken = _moved(verdict, record, how)
    full = _written(verdict, record, moved)
    if not how.quiet:
        show(verdict, record, console)
    if moved is not None and not how.quiet:
        show_changes(moved, console)
    show_end(verdict, record, console)
    if broken is not None:
        explain_error(broken)
    github.tell(verdict, record)
    console.print(f"report: {record.folder / 'report.html'}", markup=False, highlight=False, soft_wrap=True)
    if how.machine:
        put(as_json(verdict))
    if full is not None:
        raise full
    return _code(verdict, moved, how)


def _written(verdict: Verdict, record: Record, moved: Comparison | None) -> EnvironmentProblem | None:
    """Writes what moved, and the reports, which tell of it. A full disk, or a full folder, is told behind the
    summary, which needs none."""
    problems: list[EnvironmentProblem] = []
    for write in (lambda: write_moved(moved, record), lambda: write_reports(verdict, record)):
        try:
            write()
        except NoRoom as problem:
            problems.append(problem)
        except OSError as problem:
            full = full_disk(problem)
            if full is None:
                raise
            problems.append(full)
    return next(iter(problems), None)


def _moved(verdict: Verdict, record: Record, how: Telling) -> tuple[Comparison | None, CannotTell | None]:
    """What moved since the baseline, where one is asked for; or why that cannot be told."""
    if not how.fail_on_regression and how.baseline is None:
        return None, None
    path = how.baseline or Path("baselines") / f"{record.manifest.scenario}.json"
    try:
        if not path.exists():
            raise CannotTell(
                f"there is no baseline {path}: whether anything got worse cannot be told",
                expected="a file that `rehearse baseline accept` wrote, or a run",
                fix=f"rehearse baseline accept {record.folder} --out {path}",
            )
        return compare(read_side(path), side(record, verdict)), None
    except CannotTell as problem:
        return None, problem


def _code(verdict: Verdict, moved: Comparison | None, how: Telling) -> int:
    """1 for findings at or above `fail_on`, and for a regression that is asked for; else 3 where something was not
    seen or could not be compared; else 0."""
    if how.fail_on != "never" and at_or_above(verdict.findings, how.fail_on):
        return 1
    if how.fail_on_regression and moved is not None and moved.regressed:
        return 1
    incomparable = how.fail_on_regression and (moved is None or moved.blind)
    return 3 if verdict.undecided or incomparable else 0
