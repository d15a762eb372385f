"""The live half: a scenario goes in, a record comes out.

Act one runs the scales, each on a fresh stage: the users are put in, the triggers are tried in the order written,
and the first that gets through is pressed until the batch is done. Act two asks what only a live system can answer
about what act one showed: every wall of each trigger, in users, with the hop that refuses; why users failed; and
what comes of pressing again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Protocol

from harness.act_two import Button, Reach, find_walls, worker
from harness.attaching import cannot_be_seen, logs_not_seen, look
from harness.drive.bench import Bench
from harness.drive.hand import counted, turned_away
from harness.drive.performance import Performance
from harness.drive.play import Play, ServiceGone, calling
from harness.drive.through import Presses, press_until_done
from harness.growth import Growth, checkpoints
from harness.inquiry import inquire, seen_failing
from harness.loading import Loaded
from harness.model.events import NotSeen, ScaleDone, StageUp
from harness.model.people import People
from harness.model.record import Record, RecordWriter
from harness.model.scenario import Scenario, StageKind, Trigger
from harness.model.stage import OpenStage, Stage
from harness.plan import ALL_PROBES, PROBES, Plan, manifest
from harness.pressing_again import Again
from harness.probes.items import read_effects, read_outcomes, write_expected
from harness.probes.memory import MemorySampler
from harness.probes.own_cpu import OwnShare
from harness.probes.tap import Listener
from harness.under_load import (
    Background,
    Hands,
    declares_load,
    no_button,
    outcomes_of,
    play_downstream,
    play_items,
)


class Audience(Protocol):
    """Who watches while it is held."""

    def say(self, text: str) -> None:
        """What is going on now."""

    def so_far(self) -> None:
        """The walls have been seen and are in the record; what is still to come asks for more time."""


def rehearse(
    loaded: Loaded,
    plan: Plan,
    people: People,
    open_stage: OpenStage,
    record: RecordWriter,
    audience: Audience,
) -> None:
    """Holds the rehearsal and writes what it saw into `record`."""
    record.manifest(manifest(loaded, plan, people, record))
    users = people.users(plan.usual * plan.scales[-1])
    record.rows("intended", item=[user.id for user in users])
    if type(loaded.scenario).expected is not Scenario.expected:
        with calling("expected()", loaded.source, plan.stage):
            write_expected(loaded.scenario.expected, users, record)
    _tell_what_is_missing(loaded.scenario, plan.stage, record)
    play = Play(loaded.scenario, loaded.source, users, plan.deadline, record, audience.say, phase=plan.phase)
    if plan.stage == "attach":
        _attached(play, plan, open_stage)
        return
    hands = plan.hands or Hands(people)
    probes = _askable(loaded.scenario, plan, hands, record)
    reach = Reach()
    tapped = _tapped(loaded.scenario, plan)
    for scale in plan.scales if hands.only != "downstream" else ():
        with _up(open_stage, record, f"{scale}x", tapped) as stage:
            _act_one(Performance(play, stage), scale, scale * plan.usual, reach, hands)
    if "edges" in probes:
        with Bench(play, lambda: _up(open_stage, record, "edges")) as bench:
            find_walls(bench, plan.usual, reach)
    audience.so_far()
    failing = seen_failing(Record(record.folder), people, users) if "causes" in probes else None
    if failing:
        with _up(open_stage, record, "causes") as stage:
            inquire(play, stage, people, failing)
    again = Again(play, partial(_up, open_stage, record), reach.button, plan.usual, plan.stage)
    if "rerun" in probes:
        again.press()
    if "faults" in probes:
        again.play_faults()
    Growth(play, people, partial(_up, open_stage, record), plan.stage).ask(probes)
    if "load" in probes:
        _play_load(play, open_stage, hands, plan)


def _askable(scenario: Scenario, plan: Plan, hands: Hands, record: RecordWriter) -> list[str]:
    """The probes that are asked for and have something to ask. What is left out is told, but where load alone is
    played."""
    if plan.hands is not None:
        return ["load"] if hands.only == "downstream" else []
    there = [probe for probe in ALL_PROBES if probe != "load" or declares_load(scenario)]
    if not scenario.downstreams(plan.stage) and "faults" not in plan.probes:
        there.remove("faults")  # a batch that calls nothing has no downstream in trouble
    for probe in (probe for probe in there if probe not in plan.probes):
        why = "left out by --probes" if probe in PROBES else f"only on demand: --probes {probe}"
        record.event(NotSeen(probe=probe, why=why, decisive=False))
    asked = [probe for probe in there if probe in plan.probes]
    unseen = list(no_button(scenario, asked)) if hands.sends_items(scenario) else []
    for event in unseen:
        record.event(event)
    return [probe for probe in asked if probe not in {event.probe for event in unseen}]


def _attached(play: Play, plan: Plan, open_stage: OpenStage) -> None:
    """On services of others: one scale where the scenario allows to change anything there, else a look."""
    if declares_load(play.scenario) or play.scenario.items or play.scenario.background:
        why = "Locust's processes send nothing to services that are not ours"
        play.record.event(NotSeen(probe="load", why=why, decisive=False))
    for unseen in cannot_be_seen(play.scenario):
        play.record.event(unseen)
    with _up(open_stage, play.record, f"{plan.scales[0]}x") as stage:
        on = Performance(play, stage)
        if play.scenario.side_effects:
            _act_one(on, plan.scales[0], plan.scales[0] * plan.usual, Reach(), None)
        else:
            look(on)
        logs_not_seen(on, play.record)


def _tell_what_is_missing(scenario: Scenario, stage: StageKind, record: RecordWriter) -> None:
    for name, service in scenario.services().items():
        if not service.on(stage):
            why = f"{name} takes no part in the {stage} stage: its own limits were not seen"
            record.event(NotSeen(probe=f"service {name}", why=why, decisive=False))
        elif service.left_out:
            why = f"its compose file asks for what is not done here: {'; '.join(service.left_out)}"
            record.event(NotSeen(probe=f"all of {name}", why=why, decisive=False))


def _act_one(on: Performance, scale: int, count: int, reach: Reach, hands: Hands | None) -> None:
    """One scale: seed, try the triggers in order, press the first that gets through until the batch is done."""
    record, started = on.play.record, time.monotonic()
    on.seed(count)
    known = (user.id for user in on.play.users[:count])
    with (
        MemorySampler(on.stage.services, record, scale) as sampler,
        Listener(on.stage.taps, known, record, str(scale)),
    ):
        on.watcher = points = checkpoints(on, sampler, count)
        played = None
        with (
            OwnShare(on.stage.services.values()) as own,
            Background(on, hands, scale, len(on.play.users)).meanwhile(),
        ):
            if hands and hands.sends_items(on.play.scenario):
                played = play_items(on, hands, scale, count)
                name, run = played.what, Presses(1, 0, complete=played.steps[0].reached == count)
            else:
                name, run = _pressed(on, scale, count, reach)
        read_outcomes(lambda: outcomes_of(on, played), record, f"items-{scale}")
        read_effects(on.effects, record, f"effects-{scale}", quiet=on.quiet)
    points.keep(record, scale)
    record.event(
        ScaleDone(
            scale=scale,
            users=count,
            trigger=name,
            presses=run.presses,
            revivals=run.revivals,
            complete=run.complete,
            seconds=round(time.monotonic() - started, 3),
            batch_seconds=round(max(0.0, on.batch_seconds - points.held), 3),
            harness=own.seen,
        )
    )
    on.keep_logs(f"{scale}x", scale)


def _pressed(on: Performance, scale: int, count: int, reach: Reach) -> tuple[str, Presses]:
    """The first trigger that gets through, pressed until the batch is done: its name, and how it went."""
    record, name, run = on.play.record, "", Presses(0, 0, complete=False)
    try:
        trigger = _first_that_gets_through(on, scale, count, reach)
        if trigger:
            name, tape = trigger.name, on.tape
            read_outcomes(on.outcomes, record, f"items-{scale}-first")
            run = press_until_done(on, trigger, scale, count)
            if tape is not None:
                reach.saw(name, tape, counted(on, count, tape.answer.answer))
        else:
            why = "no trigger got through with so many users"
            record.event(NotSeen(probe=f"the batch at {scale}x", why=why))
        on.revive(on.ended(scale))  # one that ended at the last users is not missed by any press
    except ServiceGone as gone:
        record.event(NotSeen(probe=f"the rest of {scale}x", why=gone.seen))
        on.revive(on.ended(scale))
    return name, run


def _play_load(play: Play, open_stage: OpenStage, hands: Hands, plan: Plan) -> None:
    """What the scenario declares beside its trigger: its calls against the downstream alone, one request a user."""
    scenario = play.scenario
    if scenario.downstream is not None:
        with _up(open_stage, play.record, "downstream") as stage:
            play_downstream(Performance(play, stage), hands)
    if scenario.items is not None and not hands.only and scenario.triggers():
        with _up(open_stage, play.record, "items") as stage:
            on = Performance(play, stage)
            on.seed(plan.usual)
            play_items(on, hands, 0, plan.usual)


def _first_that_gets_through(on: Performance, scale: int, count: int, reach: Reach) -> Trigger | None:
    for trigger in on.play.scenario.triggers():
        press = on.press(trigger, count, scale=scale)
        if press.exchange.via != "http":
            reach.no_requests.add(trigger.name)
        if press.accepted:
            if not press.stuck:
                works = worker(on.play.scenario, press.exchange, on.stage.services)
                reach.button = reach.button or Button(trigger, count, press.exchange.service, works)
            return trigger
        if on.tape is not None:
            answer = on.tape.answer.answer
            refused = turned_away(on, count, answer)
            reach.saw(trigger.name, on.tape, refused or counted(on, count, answer))
        on.play.say(f"{count:,} users by {trigger.name}: {press.why}")
    return None


def _tapped(scenario: Scenario, plan: Plan) -> tuple[str, ...]:
    """The downstream that a tap stands before in act one: the first service that is called."""
    wanted = plan.tap == "on" or (plan.tap == "auto" and type(scenario).effects is Scenario.effects)
    return scenario.downstreams(plan.stage)[:1] if wanted else ()


@contextmanager
def _up(
    open_stage: OpenStage, record: RecordWriter, purpose: str, tapped: tuple[str, ...] = ()
) -> Iterator[Stage]:
    started = time.monotonic()
    with open_stage(tapped) as stage:
        record.event(StageUp(purpose=purpose, seconds=round(time.monotonic() - started, 3)))
        yield stage
