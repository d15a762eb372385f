"""Looks for failures that nobody thought of, on the process stage: users as Hypothesis draws them, one at a time, and
hands on the batch in any order (press, press twice, kill, restart, a slow or missing downstream, one user more).

What was found before stands in fixtures/fuzz/<scenario>/ and is tried first; a line is printed for each distinct
cause, and a new one is saved there.

\b
rehearse fuzz scenarios/friday_payouts.py --examples 100 --time 2m

\b
exit codes: 0 nothing found, 1 something fails, 2 usage or scenario error, 3 nothing fails, but not all was seen,
5 environment, 124 something hung, well beyond --time
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.budget import Alarm
from harness.cli.screen import json_option, put_json
from harness.cli.settings import Configured
from harness.drive.attempts import Unrecorded
from harness.drive.play import Play
from harness.errors import EnvironmentProblem
from harness.loading import load
from harness.model.scenario import parse_duration
from harness.model.stage import OpenStage
from harness.opening import opener
from harness.population import Population
from harness.report.text import inert, plural, shorten

if TYPE_CHECKING:
    from harness.fuzzing import Case, Ground

    Fresh = Callable[[], AbstractContextManager[Ground]]

FLOWS_PER_EXAMPLE = 10
MOST_SHOWN = 300


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
    people = Population(seed, loaded.scenario.population)
    told, deadline = Told(folder, machine), started + 2 * seconds + 60
    with Alarm(deadline, source=loaded.source) as alarm:
        play = Play(
            loaded.scenario, loaded.source, [], deadline, Unrecorded(), lambda text: None, phase=alarm.phase
        )
        fresh = partial(_ground, play, people, alarm.sparing(opener(loaded, None, {})))
        _known(told, fresh)
        _users(told, fresh, people, examples, started + seconds / 2)
        _flows(told, fresh, max(1, examples // FLOWS_PER_EXAMPLE), started + seconds)
    failing = sum(bool(cause["fails"]) for cause in told.causes)
    nothing = "nothing fails of what was seen" if told.unseen else "nothing fails"
    told.say(f"{plural(failing, 'cause')} of failure; cases are in {folder}" if failing else nothing)
    if machine:
        document = {"failing": failing, "cases": str(folder), "causes": told.causes, "unseen": told.unseen}
        put_json(document)
    raise click.exceptions.Exit(1 if failing else 3 if told.unseen else 0)


@dataclass
class Told:
    """What was said of each cause: as lines, and kept for a machine. `unseen`: tries of which nobody could tell."""

    folder: Path
    machine: bool
    causes: list[dict[str, str | bool]] = field(default_factory=list)
    unseen: int = 0

    def say(self, line: str) -> None:
        """A line for people."""
        click.echo(line, err=self.machine)

    def known(self, case: Case, now: set[str] | None) -> None:
        """What became of a case that was found before; `now`: the verdicts that are not good, None: not seen."""
        self.unseen += now is None
        self._keep(case, case.name, known=True, fails=bool(now))
        if now and case.verdict not in now:
            word = f"fails otherwise now ({inert(', '.join(sorted(now)))})"
        else:
            word = "was not seen" if now is None else "still fails" if now else "passes now"
        self.say(f"known, {word}: {inert(case.sentence)} ({case.name})")

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


def _known(told: Told, fresh: Fresh) -> None:
    """Tries what was found before."""
    from harness.fuzzing import load_cases

    cases = load_cases(told.folder)
    if not cases:
        return
    with fresh() as ground:
        for case in cases:
            told.known(case, _bad(case, ground))


def _bad(case: Case, ground: Ground) -> set[str] | None:
    """The verdicts on a saved case that are not good, as it ends now; None where that was not seen."""
    from harness.fuzzing import Tries, play_flow

    if case.kind == "flow":
        return set(play_flow(ground, case.steps))
    word = Tries(ground).once_more(case.data)
    return None if word is None else {word} - {""}


def _users(told: Told, fresh: Fresh, people: Population, examples: int, until: float) -> None:
    from harness.fuzzing import fuzz_users

    with fresh() as ground:
        found = fuzz_users(ground, people, examples, until)
    click.echo(_counted(found.tried, "user", "tried", len(found.cases)), err=True)
    for case in found.cases:
        told.new(case)
    if found.unseen:
        told.unseen += len(found.unseen)
        example = shorten(repr(dict(found.unseen[0].data)), MOST_SHOWN)
        told.say(f"not seen: what became of {plural(len(found.unseen), 'user')}, such as {inert(example)}")


def _flows(told: Told, fresh: Fresh, flows: int, until: float) -> None:
    from harness.fuzzing import shorter
    from harness.fuzzing.machine import Course, fuzz_flows

    found: dict[str, list[str]] = {}

    def said(steps: list[str], bad: dict[str, int]) -> None:
        for word in bad:
            if word not in found or len(steps) < len(found[word]):
                found[word] = list(steps)

    with fresh() as ground:
        course = Course(ground, until, said)
        fuzz_flows(course, flows)
        cases = [shorter(ground, steps, word, until + 30) for word, steps in found.items()]
    click.echo(_counted(course.played, "flow", "played", len(cases)), err=True)
    for case in cases:
        told.new(case)


def _counted(count: int, what: str, how: str, causes: int) -> str:
    return f"{plural(count, what)} {how}, {plural(causes, 'distinct cause')}"


@contextmanager
def _ground(play: Play, people: Population, open_stage: OpenStage) -> Iterator[Ground]:
    """Raises UsageError where the scenario cannot tell what is really done."""
    from harness.fuzzing import Ground

    with Ground(play, open_stage, people, first=0) as ground:
        ground.attempts().effects()
        yield ground
