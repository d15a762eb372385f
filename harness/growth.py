"""Act two, memory: what a service that grows makes worth asking.

Where the largest scale leaves it undecided, more users are sent through. Where a service with the memory agent grows,
the lines that keep the memory are looked for. And where it is asked for (`--probes oom`), it is run into its limit.
Each has a fresh stage.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

from harness.checks import memory
from harness.checks.memory.ahead import Ahead
from harness.drive.desk import Desk
from harness.drive.performance import Performance
from harness.drive.play import Play, ServiceGone
from harness.drive.through import press_until_done
from harness.model.events import NotSeen, Pressed, ScaleDone
from harness.model.growth import FedOn, RanIntoLimit
from harness.model.people import People
from harness.model.record import Record
from harness.model.scenario import Progress, Scenario, Trigger
from harness.model.stage import Stage
from harness.probes.attribution import Window, keep_sites
from harness.probes.items import write_expected
from harness.probes.limit import KillWatch, into_the_limit, keep_way
from harness.probes.memory import LEAST, Checkpoints, MemorySampler, Noting
from harness.probes.rerun import hold

ATTRIBUTION_USERS = 2000
MOST_FEEDS = 2
FEED_SHARE = 0.25
BEYOND, AT_LEAST = 1.1, 50

Up = Callable[[str], AbstractContextManager[Stage]]


@dataclass(frozen=True)
class Growth:
    """A play whose scales are over, who else there is to send through, how a stage is opened, and its kind. What
    already runs somewhere (attach) is asked nothing more: it is not ours to fill or to kill."""

    play: Play
    people: People
    up: Up
    kind: str

    def ask(self, probes: Collection[str]) -> None:
        """Asks what `probes` name: memory, lines, oom."""
        asked = {"memory": self.feed_on, "lines": self.look_for_lines, "oom": self.run_into_limits}
        for probe, question in asked.items():
            if probe in probes:
                question()

    @property
    def _record(self) -> Record:
        return Record(self.play.record.folder)

    def _carrier(self) -> tuple[Trigger, int] | None:
        """The trigger that got most users through at a scale, and how many."""
        pressed = [
            press
            for press in self._record.all(Pressed)
            if press.scale and press.press == 1 and press.accepted
        ]
        if not pressed:
            return None
        most = max(pressed, key=lambda press: press.users)
        return next(each for each in self.play.scenario.triggers() if each.name == most.trigger), most.users

    def _seconds(self, users: int) -> float:
        """How long the batch will be at work on so many users, by the largest scale."""
        top = max(self._record.all(ScaleDone), key=lambda done: done.users)
        return top.batch_seconds * users / max(1, top.users)

    def feed_on(self) -> None:
        """Twice as many users, at most two times, while a service is undecided and a quarter of the time left is
        enough for it."""
        for _ in range(MOST_FEEDS):
            seen, carrier = self._record, self._carrier()
            open_ = memory.undecided(seen)
            if not open_ or carrier is None or self.kind == "attach":
                return
            sent: list[ScaleDone | FedOn] = [*seen.all(ScaleDone), *seen.all(FedOn)]
            last = max(sent, key=lambda done: done.users)
            users = max(2 * last.users, memory.LEAK_ITEMS + last.users // 2)
            left = self.play.deadline - time.monotonic()
            if self._seconds(users) > FEED_SHARE * left:
                why = f"{users:,} users would tell, in about {self._seconds(users):,.0f} s: too long for the budget"
                probe = f"memory growth of {' and '.join(open_)} beyond {last.users:,} users"
                self.play.record.event(NotSeen(probe=probe, why=why, decisive=False))
                return
            if not self._feed(carrier[0], users, last.scale * 2, open_):
                return

    def _feed(self, trigger: Trigger, users: int, scale: int, services: list[str]) -> bool:
        """Whether the trigger took so many."""
        play, started = replace(self.play, users=self.people.users(users)), time.monotonic()
        play.say(f"memory of {' and '.join(services)} is undecided: {users:,} users by {trigger.name}")
        with self.up(f"feed {users}") as stage, MemorySampler(stage.services, play.record, scale) as sampler:
            on = Performance(play, stage)
            on.seed(users)
            on.watcher = Noting(checkpoints(on, sampler, users), play.record, scale)
            try:
                press = on.press(trigger, users)
                if press.accepted:
                    press_until_done(on, trigger, 0, users)
            except ServiceGone as gone:
                play.record.event(NotSeen(probe=f"all of {users:,} users", why=gone.seen, decisive=False))
            else:
                if not press.accepted:
                    why = f"{trigger.name} did not take {users:,} users: {press.why}"
                    play.record.event(NotSeen(probe="memory growth with more users", why=why, decisive=False))
                    return False
            seconds = round(time.monotonic() - started, 3)
        play.record.event(FedOn(scale=scale, users=users, services=services, seconds=seconds))
        return True

    def look_for_lines(self) -> None:
        """Where a service with the memory agent grows: which lines keep the memory, in a run of its own."""
        services, carrier = self.play.scenario.services(), self._carrier()
        grow = memory.growing(self._record)
        leaky = {name: slope for name, slope in grow.items() if services[name].memory_agent}
        if leaky and carrier and self.kind != "attach":
            with self.up("lines") as stage:
                _name_lines(Performance(self.play, stage), carrier, leaky)

    def run_into_limits(self) -> None:
        """Each service of which it is foretold when its limit is reached: a real run into it."""
        ahead, carrier = memory.ahead(self._record), self._carrier()
        if self.kind != "docker":
            self._unconfirmed("all services", f"the {self.kind} stage is not one to be filled to a limit")
        elif carrier is None:
            self._unconfirmed("all services", "no trigger got through")
        elif not ahead:
            self._unconfirmed("all services", "none was seen to grow, so there is no forecast to confirm")
        else:
            written = len(self.play.users)
            for name, each in ahead.items():
                written = self._confirm(name, each, carrier[0], written)

    def _confirm(self, name: str, ahead: Ahead, trigger: Trigger, written: int) -> int:
        """One service. Returns how many users are intended in the record by now."""
        if ahead.item is None:
            why = f"too little of the way was seen to foretell it: not before user {ahead.users(ahead.low):,}"
            self._unconfirmed(name, why)
            return written
        users = int(BEYOND * ahead.users(ahead.high)) + AT_LEAST
        left = self.play.deadline - time.monotonic()
        if self._seconds(users) > left:
            why = (
                f"{users:,} users would take about {self._seconds(users):,.0f} s, and {left:,.0f} s are left"
            )
            self._unconfirmed(name, why)
            return written
        play = replace(self.play, users=self.people.users(users))
        self._intend(play, written, users)
        play.say(f"running {name} into its limit, foretold at user {ahead.users(ahead.item):,}")
        with self.up(f"limit {name}") as stage:
            desk = Desk(play, stage, trigger, users)
            watch = KillWatch(stage.services[name], ahead.limit)
            try:
                with play.phase("press"):
                    hold(into_the_limit(watch, lambda: play.record.now), desk, play.record, trigger.name)
            finally:
                keep_way(watch, play.record)
                desk.keep_logs(f"limit-{name}")
        play.record.event(
            RanIntoLimit(
                service=name,
                limit=ahead.limit,
                trigger=trigger.name,
                users=users,
                scale=ahead.scale,
                foretold=(ahead.item, ahead.low, ahead.high),
                items=watch.progress.done,
                failed=watch.progress.failed,
                seen_by=watch.seen,
            )
        )
        return max(written, users)

    def _intend(self, play: Play, written: int, users: int) -> None:
        """The users beyond those of the scales are intended as well: what becomes of them is judged."""
        more = list(play.users[written:users])
        if not more:
            return
        play.record.rows("intended", item=[user.id for user in more])
        if type(play.scenario).expected is not Scenario.expected:
            write_expected(play.scenario.expected, more, play.record)

    def _unconfirmed(self, service: str, why: str) -> None:
        probe = f"a real run of {service} into the memory limit"
        self.play.record.event(NotSeen(probe=probe, why=why, decisive=False))


def checkpoints(on: Performance, sampler: MemorySampler, count: int) -> Checkpoints:
    """Holds those services still that push the others on; the first look is taken before the first item. Where they
    answer one request a user, what is held late in a scale would show in their answers: no look is owed there."""
    play, services = on.play.scenario, on.stage.services
    drivers = [services[name] for name in play.drivers() if name in services]
    owed = LEAST if play.items is None else 0
    found = Checkpoints(drivers, play.checkpoints, count, sampler.look_closely, owed)
    found.resting(Progress(0, 0, running=False))
    return found


def _name_lines(on: Performance, carrier: tuple[Trigger, int], leaky: dict[str, float]) -> None:
    """The batch once more, with captures in a window; nothing else is read from it: tracking bends it."""
    record, trigger, count = on.play.record, carrier[0], min(carrier[1], ATTRIBUTION_USERS)
    on.seed(count)
    on.play.say(f"looking for the lines that keep memory in {' and '.join(leaky)}, with {count:,} users")
    window = Window({on.stage.services[service]: slope for service, slope in leaky.items()}, count)
    on.watcher = window
    try:
        on.press(trigger, count)
        press_until_done(on, trigger, 0, count)
    except ServiceGone as gone:
        record.event(NotSeen(probe="all of the capture", why=gone.seen, decisive=False))
    window.end()
    for service in window.services:
        keep_sites(service, window, record)
