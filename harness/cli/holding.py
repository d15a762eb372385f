"""Holds what was asked for, on whatever stage, and brings it to its end: the record is closed, and told of however
it came to that. `rehearse run` and `rehearse load` both do so."""

from __future__ import annotations

import secrets
import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

import click

from harness.cli import telling
from harness.cli.budget import Alarm, OutOfTime, for_the_report
from harness.cli.ending import Interrupted, explain_error, full_disk
from harness.cli.progress import ProgressLine
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
from harness.loading import Loaded
from harness.model.events import Ended, RunStatus
from harness.model.record import Record, RecordWriter
from harness.opening import attach_opener, opener
from harness.plan import Plan, manifest
from harness.population import Population
from harness.rehearsal import rehearse
from harness.stage import Engine, build_images
from harness.stage.attach import Site
from harness.stage.leash import stand_by
from harness.stage.leftovers import belongings, dead_owners
from harness.stage.watchdog import remove


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


def sweep(engine: Engine | None, progress: ProgressLine) -> None:
    """Removes what rehearsals that were killed have left: it holds ports and memory that this one needs."""
    client = engine.client if engine else None
    for owner in dead_owners(client):
        progress.note(f"removing what an earlier rehearsal left: {', '.join(belongings(client, owner))}")
        remove(client, owner, passes=1)


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
