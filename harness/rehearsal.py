"""The live half: a scenario goes in, a record comes out.

Act one runs the scales, each on a fresh stage: the users are put in, the triggers are tried in the order written,
and the first that gets through is pressed until the batch is done. Act two asks what only a live system can answer
about what act one showed: here, the exact edge of each trigger that was refused.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version

import psutil

from harness.drive.client import Live, UnexpectedAnswer
from harness.drive.pressing import Button, Press
from harness.errors import HarnessError, UsageError
from harness.loading import Loaded, where_in
from harness.model.people import People
from harness.model.record import (
    EdgeFound,
    Manifest,
    NotSeen,
    Pressed,
    RecordWriter,
    ScaleDone,
    ServiceEnded,
    ServiceFacts,
    StageUp,
)
from harness.model.scenario import Progress, Scenario, Trigger
from harness.model.stage import Stage
from harness.probes.edges import EdgeMoved, Try, find_edge
from harness.probes.items import read_effects, read_outcomes
from harness.probes.memory import MemorySampler

MOST_PRESSES = 1000
FRUITLESS_PRESSES = 3
PACKAGES = ("rehearse", "faker", "docker", "testcontainers", "numpy")

Say = Callable[[str], None]
OpenStage = Callable[[], AbstractContextManager[Stage]]


@dataclass(frozen=True)
class Plan:
    """One rehearsal as it was asked for: the scales, the ordinary number of users, the end on the monotonic clock,
    the kind of stage and why that one, and the images by service."""

    usual: int
    scales: tuple[int, ...]
    seed: int
    deadline: float
    stage: str
    stage_why: str
    images: dict[str, str] = field(default_factory=dict)


def rehearse(loaded: Loaded, plan: Plan, people: People, open_stage: OpenStage, record: RecordWriter, say: Say) -> None:
    """Holds the rehearsal and writes what it saw into `record`."""
    record.manifest(_manifest(loaded, plan, record))
    users = people.users(plan.usual * plan.scales[-1])
    record.rows("intended", item=[user.id for user in users], amount=[str(user.data.get("amount", "")) for user in users])
    cast = _Cast(loaded, plan, users, record, say)
    for service in loaded.scenario.services().values():
        if not service.on("process") and plan.stage == "process":
            why = f"{service.name} takes no part in the process stage: its own limits were not seen"
            record.event(NotSeen(probe=f"service {service.name}", why=why, decisive=False))
    for scale in plan.scales:
        with _up(open_stage, record, f"{scale}x") as stage:
            _act_one(cast, stage, scale)
    if cast.refused:
        with _up(open_stage, record, "edges") as stage:
            _act_two(cast, stage)


@dataclass
class _Cast:
    """What both acts share, and what act one hands to act two: how many users each trigger carried and did not."""

    loaded: Loaded
    plan: Plan
    users: list[object]
    record: RecordWriter
    say: Say
    carried: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)

    @property
    def scenario(self) -> Scenario:
        return self.loaded.scenario

    def live(self, stage: Stage) -> Live:
        return Live({name: stage.services[entry].address for name, entry in stage.entries.items()}, stage=stage.kind)

    @contextmanager
    def hook(self, name: str) -> Iterator[None]:
        """Around each call of the scenario's own code: a mistake in it is told with its line."""
        try:
            yield
        except UnexpectedAnswer as problem:
            raise UsageError(f"{where_in(self.loaded.source, problem)}: {name}: {problem.seen}",
                             expected=problem.expected, fix=problem.fix) from problem
        except HarnessError:
            raise
        except Exception as problem:  # the author's code may raise anything
            raise UsageError(
                f"{where_in(self.loaded.source, problem)}: {name} raised {type(problem).__name__}: {problem}",
                expected=f"a {name} that works on this stage ({self.plan.stage})",
                fix="mend that line",
            ) from problem


def _act_one(cast: _Cast, stage: Stage, scale: int) -> None:
    """One scale: seed, try the triggers in order, press the first that gets through until the batch is done."""
    started = time.monotonic()
    count = scale * cast.plan.usual
    live = cast.live(stage)
    with cast.hook("seed()"):
        cast.scenario.seed(live, cast.users[:count])
    used, presses, batch_seconds, complete = "", 0, 0.0, False
    with MemorySampler(stage.services, cast.record, scale):
        for trigger in cast.scenario.triggers():
            first = _press(cast, live, trigger, scale, count, 1)
            if first.accepted is False:
                cast.refused[trigger.name] = min(count, cast.refused.get(trigger.name, count))
                cast.say(f"  {count:,} users by {trigger.name}: refused ({first.why})")
            if first.accepted:
                cast.carried[trigger.name] = max(count, cast.carried.get(trigger.name, 0))
                with cast.hook("outcomes()"):
                    read_outcomes(lambda: cast.scenario.outcomes(live), cast.record, f"items-{scale}-first")
                used = trigger.name
                presses, batch_seconds, complete = _press_on(cast, stage, live, trigger, scale, first)
                break
        with cast.hook("outcomes()"):
            read_outcomes(lambda: cast.scenario.outcomes(live), cast.record, f"items-{scale}")
        with cast.hook("effects()"):
            read_effects(lambda: cast.scenario.effects(live), cast.record, f"effects-{scale}")
    if not used:
        cast.record.event(NotSeen(probe=f"the batch at {scale}x", why="no trigger got through with so many users"))
    seconds = time.monotonic() - started
    cast.record.event(
        ScaleDone(scale=scale, users=count, trigger=used, presses=presses, seconds=seconds,
                  batch_seconds=batch_seconds, complete=complete)
    )
    _keep_logs(cast, stage, f"{scale}x")


def _press_on(
    cast: _Cast, stage: Stage, live: Live, trigger: Trigger, scale: int, first: Press
) -> tuple[int, float, bool]:
    """Presses again until nothing is left, nothing moves any more, or a service is gone."""
    count = scale * cast.plan.usual
    presses, seconds, fruitless, last = 1, first.seconds, 0, first
    left = count - last.progress.done - last.progress.failed
    while left > 0 and presses < MOST_PRESSES and fruitless < FRUITLESS_PRESSES:
        if _gone(cast, stage, scale, last.progress):
            break
        presses += 1
        cast.say(f"  {count:,} users by {trigger.name}: press {presses}, {left:,} left")
        last = _press(cast, live, trigger, scale, count, presses)
        seconds += last.seconds
        now_left = count - last.progress.done - last.progress.failed
        fruitless = fruitless + 1 if now_left == left else 0
        left = now_left
    cast.say(f"  {count:,} users by {trigger.name}: {presses} presses, {last.progress.done:,} done,"
             f" {last.progress.failed:,} failed, {left:,} not reached")
    return presses, seconds, left <= 0


def _press(cast: _Cast, live: Live, trigger: Trigger, scale: int, count: int, number: int) -> Press:
    progress_rows: list[tuple[float, Progress]] = []
    scenario = cast.scenario
    own_progress = type(scenario).progress is not Scenario.progress
    button = Button(
        progress=lambda: scenario.progress(live),
        settle=0.0 if own_progress else 2.0,
        deadline=cast.plan.deadline,
        seen=lambda progress: progress_rows.append((cast.record.now, progress)),
    )
    with cast.hook(f"trigger {trigger.name!r}"):
        press = button.press(lambda: getattr(scenario, trigger.method)(live, cast.users[:count]), count)
    if scale and progress_rows:
        cast.record.rows(
            f"progress-{scale}",
            t=[round(t, 4) for t, _ in progress_rows],
            done=[progress.done for _, progress in progress_rows],
            failed=[progress.failed for _, progress in progress_rows],
        )
    cast.record.event(
        Pressed(
            scale=scale, trigger=trigger.name, press=number, users=count, exchange=press.exchange,
            accepted=press.accepted, why=press.why, seconds=round(press.seconds, 4), done=press.progress.done,
            failed=press.progress.failed, left=count - press.progress.done - press.progress.failed,
        )
    )
    return press


def _gone(cast: _Cast, stage: Stage, scale: int, progress: Progress) -> bool:
    gone = False
    for name, service in stage.services.items():
        ending = service.ending()
        if ending is not None:
            gone = True
            cast.record.event(ServiceEnded(scale=scale, service=name, exit_code=ending.exit_code,
                                           oom_killed=ending.oom_killed, done=progress.done, failed=progress.failed))
            cast.say(f"  {name} has ended (exit code {ending.exit_code}"
                     f"{', killed for its memory' if ending.oom_killed else ''}) after {progress.done:,} items")
    return gone


def _act_two(cast: _Cast, stage: Stage) -> None:
    """The exact edge of each trigger that was refused."""
    live = cast.live(stage)
    with cast.hook("seed()"):
        cast.scenario.seed(live, cast.users)
    for trigger in cast.scenario.triggers():
        if trigger.name not in cast.refused:
            continue
        low, high = cast.carried.get(trigger.name, 0), cast.refused[trigger.name]
        cast.say(f"  {trigger.name}: looking for the edge between {low:,} and {high:,} users")

        def ask(count: int, trigger: Trigger = trigger) -> Try:
            press = _press(cast, live, trigger, 0, count, 1)
            return Try(press.accepted is True, press.exchange)

        try:
            edge = find_edge(ask, low, high)
        except EdgeMoved as problem:
            cast.record.event(NotSeen(probe=f"the edge of {trigger.name}", why=str(problem)))
            continue
        cast.record.event(
            EdgeFound(trigger=trigger.name, last_passing=edge.last_passing, first_failing=edge.first_failing,
                      passing=edge.passing, failing=edge.failing, requests=edge.requests)
        )
    _keep_logs(cast, stage, "edges")


@contextmanager
def _up(open_stage: OpenStage, record: RecordWriter, purpose: str) -> Iterator[Stage]:
    started = time.monotonic()
    with open_stage() as stage:
        record.event(StageUp(purpose=purpose, seconds=round(time.monotonic() - started, 3)))
        yield stage


def _keep_logs(cast: _Cast, stage: Stage, purpose: str) -> None:
    for name, service in stage.services.items():
        cast.record.log(f"{purpose}-{name}", service.logs())


def _manifest(loaded: Loaded, plan: Plan, record: RecordWriter) -> Manifest:
    services = loaded.scenario.services()
    fronts = {service.fronts.name: name for name, service in services.items() if service.fronts and service.on(plan.stage)}
    return Manifest(
        scenario=loaded.name,
        source=loaded.source.relative_to(loaded.root).as_posix(),
        summary=(type(loaded.scenario).__doc__ or "").strip().split("\n")[0],
        run=record.folder.name,
        seed=plan.seed,
        usual=plan.usual,
        scales=list(plan.scales),
        deadline=loaded.deadline,
        stage=plan.stage,
        stage_why=plan.stage_why,
        triggers=[trigger.name for trigger in loaded.scenario.triggers()],
        services=[
            ServiceFacts(name=name, memory_limit=service.memory_bytes, image=plan.images.get(name, "process"),
                         entry=fronts.get(name, name))
            for name, service in services.items() if service.on(plan.stage)
        ],
        versions={name: found for name in PACKAGES if (found := _version(name))},
        machine={"system": platform.platform(), "python": platform.python_version(), "cpus": psutil.cpu_count() or 0,
                 "memory": psutil.virtual_memory().total},
        started=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
