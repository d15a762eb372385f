"""Looks for failures that nobody thought of, on the process stage: users as Hypothesis draws them, one at a time, and
hands on the batch in any order (press, press twice, kill, restart, a slow or missing downstream, one user more).

What was found before stands in fixtures/fuzz/<scenario>/ and is tried first; a line is printed for each distinct
cause, and a new one is saved there.

\b
rehearse fuzz scenarios/friday_payouts.py --examples 100 --time 2m

\b
exit codes: 0 nothing found, 1 something fails, 2 usage or scenario error, 5 environment
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.settings import Configured
from harness.drive.attempts import Unrecorded
from harness.drive.performance import Play
from harness.errors import EnvironmentProblem
from harness.loading import Loaded, load
from harness.model.scenario import parse_duration
from harness.opening import opener
from harness.population import Population
from harness.report.text import inert

if TYPE_CHECKING:
    from harness.fuzzing import Case, Ground

FLOWS_PER_EXAMPLE = 10


@click.command("fuzz", cls=Configured, help=__doc__)
@click.argument("scenario")
@click.option("--examples", type=click.IntRange(min=1), default=100, show_default=True, help="Users to draw.")
@click.option("--time", "longest", default="2m", show_default=True, help="The longest it may take, about.")
@click.option("--seed", type=int, default=1, show_default=True, help="Which users are invented.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Where cases are.  [default: <project>/fixtures/fuzz]"
)
def command(scenario: str, examples: int, longest: str, seed: int, out: Path | None) -> None:
    _need_hypothesis()
    loaded, seconds = load(scenario), parse_duration(longest, what="--time")
    folder = (out or loaded.root / "fixtures" / "fuzz") / loaded.name
    started = time.monotonic()
    until = started + seconds
    people = Population(seed, loaded.scenario.population)
    play = Play(
        loaded.scenario, loaded.source, [], started + 2 * seconds + 60, Unrecorded(), lambda text: None
    )
    failing = _known(folder, loaded, play, people)
    failing += _users(folder, loaded, play, people, examples, started + seconds / 2)
    failing += _flows(folder, loaded, play, people, max(1, examples // FLOWS_PER_EXAMPLE), until)
    click.echo(f"{failing} causes of failure; cases are in {folder}" if failing else "nothing fails")
    raise click.exceptions.Exit(1 if failing else 0)


def _need_hypothesis() -> None:
    try:
        import hypothesis  # noqa: F401
    except ImportError as problem:
        raise EnvironmentProblem(
            "hypothesis is not installed",
            expected="the extra `fuzz`, which `rehearse fuzz` needs",
            fix="pip install 'rehearse[fuzz]'",
        ) from problem


def _known(folder: Path, loaded: Loaded, play: Play, people: Population) -> int:
    """Tries what was found before; how much of it still fails."""
    from harness.fuzzing import load_cases

    cases = load_cases(folder)
    if not cases:
        return 0
    still = 0
    with _ground(loaded, play, people) as ground:
        for case in cases:
            fails = _fails(case, ground)
            still += fails
            click.echo(
                f"known, {'still fails' if fails else 'passes now'}: {inert(case.sentence)} ({case.name})"
            )
    return still


def _fails(case: Case, ground: Ground) -> bool:
    from harness.fuzzing import Tries, play_flow

    if case.kind == "flow":
        return case.verdict in play_flow(ground, case.steps)
    return Tries(ground).once_more(case.data) == case.verdict


def _users(folder: Path, loaded: Loaded, play: Play, people: Population, examples: int, until: float) -> int:
    from harness.fuzzing import fuzz_users

    with _ground(loaded, play, people) as ground:
        cases, tried = fuzz_users(ground, people, examples, until)
    click.echo(f"{tried} users tried, {len(cases)} distinct causes", err=True)
    return sum(_tell(folder, case) for case in cases)


def _flows(folder: Path, loaded: Loaded, play: Play, people: Population, flows: int, until: float) -> int:
    from harness.fuzzing import shorter
    from harness.fuzzing.machine import Course, fuzz_flows

    found: dict[str, list[str]] = {}

    def said(steps: list[str], bad: dict[str, int]) -> None:
        for word in bad:
            if word not in found or len(steps) < len(found[word]):
                found[word] = list(steps)

    with _ground(loaded, play, people) as ground:
        course = Course(ground, until, said)
        fuzz_flows(course, flows)
        cases = [shorter(ground, steps, word, until + 30) for word, steps in found.items()]
    click.echo(f"{course.played} flows played, {len(cases)} distinct causes", err=True)
    return sum(_tell(folder, case) for case in cases)


def _ground(loaded: Loaded, play: Play, people: Population) -> Ground:
    from harness.fuzzing import Ground

    return Ground(play, opener(loaded, None, {}), people, first=0)


def _tell(folder: Path, case: Case) -> bool:
    """One line for a cause, and its file; False where it was known and has been told already."""
    from harness.fuzzing import save

    if (folder / case.name).exists():
        return False
    click.echo(f"new: {inert(case.sentence)} [{inert(case.verdict)}] ({save(folder, case).name})")
    return True
