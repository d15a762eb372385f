"""Holds a rehearsal of SCENARIO (a file, or file.py:ClassName) and says whether the batch can run at that size.

The services are brought up as containers where an engine answers, else as plain processes. Everything that was
seen goes into reports/<scenario>/<run>/; `latest` points to the newest.

Each option may stand in pyproject.toml, under [tool.rehearse], or in the environment, as REHEARSE_SCALES=1,2. The
environment goes before the file, and the command line before both.

\b
rehearse run scenarios/friday_payouts.py
rehearse run scenarios/friday_payouts.py --scales 1,2,5,10 --users 400 --seed 7
rehearse run scenarios/friday_payouts.py --stage process --json > report.json
rehearse run scenarios/friday_payouts.py --scales 1 --probes rerun --budget 1h30m
rehearse run scenarios/friday_payouts.py --fail-on never --fail-on-regression

\b
rehearse run scenarios/mine.py --stage attach --dry-run
rehearse run scenarios/mine.py --stage attach --confirm staging.example.test

\b
exit codes: 0 ready, 1 findings at or above --fail-on or a regression, 2 usage or scenario error, 3 inconclusive,
4 the harness itself failed, 5 environment, 6 refused for safety, 124 time budget, 130/143 interrupted
"""

from __future__ import annotations

import difflib
import secrets
import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, NoReturn

import click
from click.core import ParameterSource

from harness.attaching import Asked, prepare
from harness.cli import telling
from harness.cli.budget import Alarm, OutOfTime, for_the_report
from harness.cli.dry_run import show_dry_run
from harness.cli.ending import Interrupted, explain_error, full_disk
from harness.cli.progress import ProgressLine
from harness.cli.screen import screen
from harness.cli.settings import Configured
from harness.errors import (
    EngineGone,
    EnvironmentProblem,
    HarnessError,
    RecordFull,
    Refused,
    TimeBudgetSpent,
    UsageError,
)
from harness.judgement import GATE, at_or_above, judge
from harness.loading import Loaded, load
from harness.model.events import Ended, RunStatus
from harness.model.phases import PHASES, parse_limits
from harness.model.record import Record, RecordWriter
from harness.model.scenario import StageKind, parse_duration
from harness.opening import attach_opener, engine_for, opener
from harness.plan import ALL_PROBES, PROBES, Plan, manifest
from harness.population import Population
from harness.rehearsal import rehearse
from harness.stage import Engine, build_images
from harness.stage.attach import Site
from harness.stage.labels import lease
from harness.stage.leftovers import belongings, dead_owners
from harness.stage.watchdog import remove, stand_by

AFTER_BUDGET = 15 * 60.0
WITHIN = click.option(
    "--within",
    metavar="PHASE=TIME,...",
    default="",
    help=f"The longest that a phase may take, such as build=10m,seed=90s; the phases: {', '.join(PHASES)}."
    "  [default: see docs/results.md]",
)


@click.command("run", cls=Configured, help=__doc__)
@click.argument("scenario")
@click.option(
    "--scales", help="Multiples of the usual number of users, such as 1,2,5,10.  [default: the scenario's]"
)
@click.option(
    "--users", type=click.IntRange(min=1), help="The usual number of users.  [default: the scenario's]"
)
@click.option(
    "--seed", type=int, help="Which users are invented.  [default: 1; on the attach stage others each time]"
)
@click.option(
    "--stage",
    type=click.Choice(["auto", "docker", "process", "attach"]),
    default="auto",
    show_default=True,
    help="Containers, processes, or services that already run (attach); auto: containers where an engine answers.",
)
@click.option(
    "--confirm",
    metavar="HOST",
    multiple=True,
    help="On the attach stage: users may be put in and triggers pulled on this host.",
)
@click.option("--dry-run", is_flag=True, help="Print every request that would be sent, and send none.")
@click.option("--budget", default="1h", show_default=True, help="The longest the rehearsal may take.")
@WITHIN
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder of the reports.  [default: <project>/reports]"
)
@click.option(
    "--probes",
    "--probe",
    default=",".join(PROBES),
    show_default=True,
    help="What is asked beside the scales: edges (how many users a trigger carries exactly), causes (why users"
    " fail), rerun (what comes of pressing the button again), memory (more users where it is undecided), lines (those"
    " that keep memory), faults (what it makes of a downstream in trouble), oom (a real run into the memory limit"
    " that is foretold); or none.",
)
@click.option(
    "--tap",
    type=click.Choice(["auto", "on", "off"]),
    default="auto",
    show_default=True,
    help="Listen between the batch and the first service it calls, while the scales run; auto: where the scenario"
    " has no effects().",
)
@telling.options
def command(
    scenario: str,
    scales: str | None,
    users: int | None,
    seed: int | None,
    stage: str,
    confirm: tuple[str, ...],
    dry_run: bool,
    budget: str,
    within: str,
    out: Path | None,
    probes: str,
    tap: Literal["auto", "on", "off"],
    **how: Any,
) -> None:
    loaded = load(scenario)
    deadline = time.monotonic() + (allowed := parse_duration(budget, what="--budget"))
    lease(allowed + AFTER_BUDGET)
    longest = parse_limits(within)
    chosen, wanted = _scales(scales) if scales else loaded.scenario.scales, _probes(probes)
    usual, site = users or loaded.scenario.usual, None
    if stage == "attach":
        asked = Asked(chosen if scales else None, usual, _typed(confirm), dry_run)
        site, chosen = prepare(loaded, asked)
        wanted, seed = (), secrets.randbelow(2**31) if seed is None else seed
    elif confirm or dry_run:
        raise UsageError(
            "--confirm and --dry-run are about services that already run",
            expected="--stage attach with them",
            fix="leave them out, or attach",
        )
    if site and dry_run:
        with Alarm(deadline, longest, loaded.source):
            show_dry_run(loaded, site, chosen[0] * usual, seed or 1, machine=how["machine"])
        return
    folder = run_folder(out or loaded.root / "reports", loaded.name)
    with ProgressLine(screen(error=True)) as progress:
        with Alarm(deadline, longest):
            engine, why = (None, "asked for") if site else engine_for(stage, loaded.scenario)
            sweep(engine, progress)
        kind: StageKind = "attach" if site else "docker" if engine else "process"
        number = 1 if seed is None else seed
        plan = Plan(usual, chosen, number, deadline, kind, why, probes=wanted, tap=tap, within=longest)
        progress.note(
            f"rehearsing {loaded.name} at {', '.join(f'{k}x' for k in chosen)} of {plan.usual:,} users;"
            f" stage {kind}: {why}"
        )
        try:
            problem = hold(loaded, plan, site or engine, Spectator(progress, folder))
        except OSError as stop:
            problem = full_disk(stop)
            if problem is None:
                raise
    finish(folder, plan, telling.Telling(**how), problem)


def finish(folder: Path, plan: Plan, how: telling.Telling, problem: BaseException | None) -> NoReturn:
    """Judges and reports what was held, and ends with what ended it early, or with the exit code of the verdict."""
    code = None
    try:
        if (folder / "run.json").exists():
            with for_the_report(plan.deadline, plan.within) as alarm, alarm.phase("report"):
                code = telling.tell(Record(folder), how)
    except TimeBudgetSpent as late:
        if problem is None:
            raise
        explain_error(late)
    if problem is not None:
        raise problem
    assert code is not None, "a rehearsal that was held to its end has a record"
    raise click.exceptions.Exit(code)


@dataclass(frozen=True)
class Spectator:
    """Shows on stderr how the rehearsal goes, and the verdict so far as soon as there is one."""

    progress: ProgressLine
    folder: Path

    def say(self, text: str) -> None:
        """What is going on now."""
        self.progress.say(text)

    def so_far(self) -> None:
        """What act one and the edges have shown, before the button is pressed again."""
        heavy = at_or_above(judge(Record(self.folder)).findings, GATE)
        for finding in heavy:
            self.progress.note(f"{finding.severity}[{finding.code}] {finding.title}")
        verdict = "NOT READY" if heavy else "nothing broke"
        self.progress.note(f"so far: {verdict}; what follows shows what pressing the button again would do")


def _typed(confirm: tuple[str, ...]) -> tuple[str, ...]:
    """The confirmed hosts; one that stands in a file or the environment confirms nothing."""
    context = click.get_current_context()
    if confirm and context.get_parameter_source("confirm") is not ParameterSource.COMMANDLINE:
        raise Refused(
            "--confirm comes from a file or the environment",
            expected="somebody who types the host's name",
            fix="take it out there, and give it on the command line",
        )
    return confirm


def hold(loaded: Loaded, plan: Plan, on: Engine | Site | None, watching: Spectator) -> BaseException | None:
    """Holds the rehearsal on an engine, on a site, or as processes. What ended it early is recorded and returned."""
    problem: BaseException | None = None
    started, cpu = time.monotonic(), time.process_time()
    with RecordWriter(watching.folder) as record:
        try:
            stand_by()
            people = Population(plan.seed, loaded.scenario.population)
            record.manifest(manifest(loaded, plan, people, record))  # there before anything that may fail
            with Alarm(plan.deadline, plan.within, loaded.source) as alarm:
                if isinstance(on, Site):
                    images, open_stage = {}, attach_opener(loaded, on, watching.folder.name)
                else:
                    with alarm.phase("build"):
                        images = build_images(on, loaded.scenario, loaded.root) if on else {}
                    open_stage = opener(loaded, on, images)
                plan = replace(plan, images=images, phase=alarm.phase)
                rehearse(loaded, plan, people, alarm.sparing(open_stage), record, watching)
        except Interrupted as stop:
            problem = stop
        except RecordFull as stop:
            problem = stop.told
        except OutOfTime as late:  # once more while the alarm was turned off
            problem = late.told(loaded.source)
        except Exception as stop:  # noqa: BLE001  # whatever it was: the record is closed and told, then it goes on
            problem = full_disk(stop) or stop
        if isinstance(problem, Interrupted):
            watching.progress.note("interrupted: everything has been removed")
        status, why = _how_it_ended(problem)
        seconds, used = time.monotonic() - started, time.process_time() - cpu
        record.event(Ended(status=status, why=why, seconds=seconds, harness_cpu=used))
    return problem


def _how_it_ended(problem: BaseException | None) -> tuple[RunStatus, str]:
    match problem:
        case None:
            return "completed", ""
        case Interrupted():
            return "interrupted", f"interrupted by {problem}"
        case TimeBudgetSpent() | Refused() | EngineGone():
            return "aborted", str(problem)
        case HarnessError():
            return "failed", str(problem)
        case _:
            return "failed", f"the harness itself failed: {problem!r}"


def sweep(engine: Engine | None, progress: ProgressLine) -> None:
    """Removes what rehearsals that were killed have left: it holds ports and memory that this one needs."""
    client = engine.client if engine else None
    for owner in dead_owners(client):
        progress.note(f"removing what an earlier rehearsal left: {', '.join(belongings(client, owner))}")
        remove(client, owner, passes=1)


def _scales(text: str) -> tuple[int, ...]:
    parts = [part.strip().rstrip("x") for part in text.split(",")]
    if not all(part.isdigit() and int(part) for part in parts) or sorted({*map(int, parts)}) != [
        *map(int, parts)
    ]:
        raise UsageError(
            f"--scales is {text!r}", expected="ascending whole numbers such as 1,2,5,10", fix="write it so"
        )
    return tuple(map(int, parts))


def _probes(text: str) -> tuple[str, ...]:
    named = tuple(part.strip() for part in text.split(",") if part.strip() != "none")
    unknown = [name for name in named if name not in ALL_PROBES]
    if unknown:
        near = difflib.get_close_matches(unknown[0], ALL_PROBES, n=1, cutoff=0.5)
        raise UsageError(
            f"--probes names {', '.join(unknown)}",
            expected=f"some of {', '.join(ALL_PROBES)}, separated by commas, or none",
            fix=f"did you mean {near[0]}?" if near else "write it so",
        )
    return named


def run_folder(reports: Path, name: str) -> Path:
    """A new folder for this run; `latest` points to it."""
    run = f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(2)}"
    folder = reports / name / run
    if folder.parent.is_symlink():
        raise UsageError(
            f"{folder.parent} is a link",
            expected="a folder: what is written stays in it",
            fix="take the link away",
        )
    try:
        folder.mkdir(parents=True)
        free = shutil.disk_usage(folder).free
        link = folder.parent / f".latest-{run}"
        link.symlink_to(run)
        link.replace(folder.parent / "latest")
    except OSError as problem:
        raise EnvironmentProblem(
            f"the folder {folder} cannot be made: {problem.strerror}",
            expected="a place where reports can be written",
            fix="give another one with --out",
        ) from problem
    if free < 2**30:
        raise EnvironmentProblem(
            f"{free / 2**20:,.0f} MiB are free in {reports}",
            expected="1 GiB or more",
            fix="free some, or give --out",
        )
    return folder
