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
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.screen import json_option, put_json
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
@json_option
def command(scenario: str, examples: int, longest: str, seed: int, out: Path | None, machine: bool) -> None:
    _need_hypothesis()
    loaded, seconds = load(scenario), parse_duration(longest, what="--time")
    folder = (out or loaded.root / "fixtures" / "fuzz") / loaded.name
    started = time.monotonic()
    until = started + seconds
    people = Population(seed, loaded.scenario.population)
    play = Play(
        loaded.scenario, loaded.source, [], started + 2 * seconds + 60, Unrecorded(), lambda text: None
    )
    told = Told(folder, machine)
    _known(told, loaded, play, people)
    _users(told, loaded, play, people, examples, started + seconds / 2)
    _flows(told, loaded, play, people, max(1, examples // FLOWS_PER_EXAMPLE), until)
    failing = sum(bool(cause["fails"]) for cause in told.causes)
    told.say(f"{failing} causes of failure; cases are in {folder}" if failing else "nothing fails")
    if machine:
        put_json({"failing": failing, "cases": str(folder), "causes": told.causes})
    raise click.exceptions.Exit(1 if failing else 0)


@dataclass
class Told:
    """What was said of each cause: as lines, and kept for a machine."""

    folder: Path
    machine: bool
    causes: list[dict[str, str | bool]] = field(default_factory=list)

    def say(self, line: str) -> None:
        """A line for people."""
        click.echo(line, err=self.machine)

    def known(self, case: Case, *, fails: bool) -> None:
        """What became of a case that was found before."""
        self._keep(case, case.name, known=True, fails=fails)
        self.say(f"known, {'still fails' if fails else 'passes now'}: {inert(case.sentence)} ({case.name})")

    def new(self, case: Case) -> None:
        """A line for a cause, and its file; nothing where it was known and has been told already."""
        from harness.fuzzing import save

        if (self.folder / case.name).exists():
            return
        name = save(self.folder, case).name
        self._keep(case, name, known=False, fails=True)
        self.say(f"new: {inert(case.sentence)} [{inert(case.verdict)}] ({name})")

    def _keep(self, case: Case, name: str, *, known: bool, fails: bool) -> None:
        cause = {"sentence": case.sentence, "verdict": case.verdict, "case": name}
        self.causes.append({**cause, "known": known, "fails": fails})


def _need_hypothesis() -> None:
    try:
        import hypothesis  # noqa: F401
    except ImportError as problem:
        raise EnvironmentProblem(
            "hypothesis is not installed",
            expected="the extra `fuzz`, which `rehearse fuzz` needs",
            fix="pip install 'rehearse[fuzz]'",
        ) from problem


def _known(told: Told, loaded: Loaded, play: Play, people: Population) -> None:
    """Tries what was found before."""
    from harness.fuzzing import load_cases

    cases = load_cases(told.folder)
    if not cases:
        return
    with _ground(loaded, play, people) as ground:
        for case in cases:
            told.known(case, fails=_fails(case, ground))


def _fails(case: Case, ground: Ground) -> bool:
    from harness.fuzzing import Tries, play_flow

    if case.kind == "flow":
        return case.verdict in play_flow(ground, case.steps)
    return Tries(ground).once_more(case.data) == case.verdict


def _users(told: Told, loaded: Loaded, play: Play, people: Population, examples: int, until: float) -> None:
    from harness.fuzzing import fuzz_users

    with _ground(loaded, play, people) as ground:
        cases, tried = fuzz_users(ground, people, examples, until)
    click.echo(f"{tried} users tried, {len(cases)} distinct causes", err=True)
    for case in cases:
        told.new(case)


def _flows(told: Told, loaded: Loaded, play: Play, people: Population, flows: int, until: float) -> None:
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
    for case in cases:
        told.new(case)


def _ground(loaded: Loaded, play: Play, people: Population) -> Ground:
    from harness.fuzzing import Ground

    return Ground(play, opener(loaded, None, {}), people, first=0)
