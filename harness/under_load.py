"""Load in a rehearsal: one request for each user instead of a button, a downstream alone, other users meanwhile.

What Locust's processes do is in `drive/locust`; here it is put on a stage, and into the record.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.drive.locust.fleet import Fleet
from harness.drive.locust.playing import Crew, Piece, keep, play, playing
from harness.drive.locust.terms import Step
from harness.drive.locust.workers import PLAY
from harness.drive.performance import Performance, keep_progress
from harness.drive.play import Play
from harness.model.events import NotSeen
from harness.model.load import Load, LoadPlayed
from harness.model.people import People
from harness.model.record import Record
from harness.model.scenario import Outcome, Progress, Scenario
from harness.model.service import Service
from harness.stage.leash import stand_by
from harness.stage.watchdog import OWNER_VARIABLE, scratch_folder

TIMES = tuple(range(1, 11))
ROUNDS = 25
"""Requests of each user of a downstream step: enough for a share of failures, and as long at each concurrency."""
AROUND = 3.0
"""Seconds of background before the batch is at work, and after."""
LONGEST = 100_000
"""Users that a background may use up; that they ran out is told."""


@dataclass(frozen=True)
class Hands:
    """How load is played here: the people, how many workers, where a master listens, what they play.

    here    so many of the workers are started on this machine; None: all
    times   the multiples of a downstream's own concurrency
    only    what alone is played; "": what a rehearsal plays by itself
    reach   the host under which workers on other machines reach the services of this one
    """

    people: People
    workers: int = 2
    here: int | None = None
    bind: tuple[str, int] = ("127.0.0.1", 0)
    locustfile: Path = PLAY
    times: tuple[int, ...] = TIMES
    only: Literal["", "items", "downstream"] = ""
    reach: str = ""

    def address(self, on: Performance, service: Service) -> tuple[str, int]:
        """Where the workers reach a service: on its stage, or where other machines see it."""
        host, port = on.address(service)
        return self.reach or host, port

    def sends_items(self, scenario: Scenario) -> bool:
        """Whether one request for each user is sent, and no button pressed: that is asked for, or there is none."""
        return scenario.items is not None and (self.only == "items" or not scenario.triggers())

    @contextmanager
    def crew(self, say: Callable[[str], None], workers: int | None = None) -> Iterator[Crew]:
        """A crew whose folder and processes the watchdog knows."""
        owner = stand_by()
        scratch = scratch_folder(owner)
        try:
            owned = {OWNER_VARIABLE: owner}
            yield Crew(scratch, say, workers or self.workers, self.here, self.bind, owned, self.locustfile)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def declares_load(scenario: Scenario) -> bool:
    """Whether there is load to be played beside the scales."""
    return scenario.downstream is not None or (scenario.items is not None and bool(scenario.triggers()))


def ways(scenario: Scenario, hands: Hands | None) -> list[str]:
    """The ways to start the batch, as reports call them."""
    if hands is not None and hands.only:
        return [scenario.items.name] if hands.only == "items" else []
    return [trigger.name for trigger in scenario.triggers()] or [scenario.items.name]


def play_items(on: Performance, hands: Hands, scale: int, count: int) -> LoadPlayed:
    """One request for each of the first `count` users; the rows stand in `load-<scale>`. The services' memory is
    looked at meanwhile, as it is while a button is pressed; those that ended are recorded and started again."""
    load: Load = on.play.scenario.items
    step = Step(first=0, count=count, concurrency=load.concurrency, rate=load.rate)
    key, address = str(scale or "items"), hands.address(on, load.service)
    piece = Piece("items", key, load, address, [step], hands.people, scale)
    readings: list[tuple[float, Progress]] = []

    def seen(done: int, failed: int) -> None:
        on.play.say(f"{load.name}: {done + failed:,} of {count:,} have an answer")
        on.saw(readings, Progress(done, failed, running=True))

    with hands.crew(on.play.say) as crew:
        played = play(piece, crew, on.play.record, on.play.deadline, seen)
    on.batch_seconds += played.steps[0].seconds
    on.progress = Progress(played.steps[0].ok, played.steps[0].reached - played.steps[0].ok, running=False)
    if scale and readings:
        keep_progress(on.play.record, scale, readings)
    if on.watcher:
        on.watcher.resting(on.progress)
    on.revive(on.ended(scale))
    return played


def said_by_answers(record: Record, played: LoadPlayed) -> Iterator[Outcome]:
    """The batch's word where it has no other: what it answered to each request."""
    for chunk in record.chunks(f"load-{played.key}"):
        for item, said, status in zip(chunk["item"], chunk["said"], chunk["status"], strict=True):
            detail = "" if said == "ok" else f"status {status}" if status else "no answer"
            yield Outcome(item=item, said=said, detail=detail)


def outcomes_of(on: Performance, played: LoadPlayed | None) -> Iterable[Outcome]:
    """What the batch says of each item: by its own outcomes(), else by its answers."""
    if played is None or type(on.play.scenario).outcomes is not Scenario.outcomes:
        return on.outcomes()
    return said_by_answers(Record(on.play.record.folder), played)


def play_downstream(on: Performance, hands: Hands) -> LoadPlayed:
    """The batch's calls against their service alone, at each multiple of the batch's own concurrency."""
    load: Load = on.play.scenario.downstream
    steps, first = [], 0
    for times in hands.times:
        at_once = load.concurrency * times
        count = ROUNDS * at_once
        steps.append(Step(first=first, count=count, concurrency=at_once, rate=load.rate * times))
        first += count
    piece = Piece("downstream", "downstream", load, hands.address(on, load.service), steps, hands.people)
    total = sum(step.count for step in steps)

    def seen(done: int, failed: int) -> None:
        on.play.say(f"{load.name}: {done + failed:,} of {total:,} have an answer")

    with hands.crew(on.play.say) as crew:
        return play(piece, crew, on.play.record, on.play.deadline, seen)


class Background:
    """Other users' traffic while a scale runs: some seconds before the batch, all of its time, some seconds after.

    Without a `background` in the scenario it does nothing. Its users are none of those that the batch works on.
    """

    def __init__(self, on: Performance, hands: Hands | None, scale: int, first: int) -> None:
        load = on.play.scenario.background
        self.on, self.hands, self.load, self.scale, self.first = on, hands, load, scale, first

    @contextmanager
    def meanwhile(self) -> Iterator[None]:
        """Around the time that the batch is at work."""
        if self.load is None or self.hands is None:
            yield
            return
        step = Step(first=self.first, count=LONGEST, concurrency=self.load.concurrency, rate=self.load.rate)
        key, on = f"background-{self.scale}", self.on
        address = self.hands.address(on, self.load.service)
        piece = Piece(
            "background", key, self.load, address, [step], self.hands.people, self.scale, open_ended=True
        )
        with self.hands.crew(on.play.say, 1) as crew, playing(piece, crew) as fleet:
            began = fleet.begun(on.play.deadline)
            _listen(on.play, AROUND)
            at = time.monotonic() - began
            try:
                yield
            finally:
                until = time.monotonic() - began
                _listen(on.play, AROUND)
                self._end(piece, fleet, (at, until))

    def _end(self, piece: Piece, fleet: Fleet, during: tuple[float, float]) -> None:
        fleet.stop()
        fleet.wait(time.monotonic() + 60)
        keep(piece, fleet, self.on.play.record, during)


def _listen(play: Play, seconds: float) -> None:
    time.sleep(max(0.0, min(seconds, play.deadline - time.monotonic())))


def no_button(scenario: Scenario, probes: Iterable[str]) -> Iterator[NotSeen]:
    """What cannot be asked of a batch that is not started by a press."""
    for probe in probes:
        if probe in ("edges", "rerun", "faults", "lines") or (
            probe == "causes" and type(scenario).attempt is Scenario.attempt
        ):
            why = "one request for each user: there is no trigger to press"
            yield NotSeen(probe=probe, why=why, decisive=False)
