"""A scenario on one live stage: its own code is called here, and what it does is written into the record."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from msgspec.structs import replace

from harness.drive.client import Live
from harness.drive.commands import Commands
from harness.drive.guests import Guests
from harness.drive.messages import Response, UnexpectedAnswer
from harness.drive.play import Play, ServiceGone, Watcher, calling, mistake
from harness.drive.pressing import Button, Press
from harness.drive.tape import Pull, Tape, recording
from harness.drive.tls import tls_for
from harness.errors import EnvironmentProblem, HarnessError
from harness.model.events import LogSeen, NotSeen, Pressed, ServiceEnded
from harness.model.people import SyntheticUser
from harness.model.record import RecordWriter
from harness.model.redaction import clean
from harness.model.scenario import Effect, Outcome, Progress, Scenario, Trigger, parse_duration
from harness.model.service import Service
from harness.model.stage import Stage

SETTLE = 2.0
CREATED = "created"
"""The table of users that were put in where others keep theirs: `rehearse created` lists it."""
Row = TypeVar("Row", Outcome, Effect)


class Performance:
    """One play on one stage."""

    def __init__(self, play: Play, stage: Stage) -> None:
        self.play, self.stage, self._up_since = play, stage, time.monotonic()
        known = play.scenario.services()
        self.live = Live(
            self._addresses(),
            stage=stage.kind,
            logs=lambda service: stage.services[service].logs(),
            tls={name: tls_for(known[entry]) for name, entry in stage.entries.items()},
        )
        self.commands = Commands(lambda service: stage.services[service])
        self.live.commanded(self.commands)
        for name, entry in stage.entries.items():
            self.live.clients[name].conduct = stage.services[entry].conduct
        self.guests = Guests(play.users) if stage.kind == "attach" else None
        self.progress = Progress(0, 0, False)
        self.batch_seconds = 0.0
        self.watcher: Watcher | None = None
        self.stuck = False
        self.tape: Tape | None = None
        """What the last press sent; None where the trigger did not come to its request."""
        self.newly_failed = 0
        """How many items failed in the last press that got any item done or failed."""
        own_progress = type(play.scenario).progress is not Scenario.progress
        self._settle = 0.0 if own_progress else SETTLE
        self.patience = parse_duration(play.scenario.patience, what="patience")
        self.quiet = parse_duration(play.scenario.quiet, what="quiet")
        self._begins = parse_duration(play.scenario.begins, what="begins")
        self._lost: float | None = None
        """When the last press was answered well, and nothing began behind it."""

    def seed(self, count: int) -> None:
        """Puts the first `count` users where the batch finds them."""
        users = list(self.play.users[:count])
        if self.guests:  # written down first: whatever comes of it, what may be there can be found again
            self.play.record.rows(
                CREATED, item=[user.id for user in users], marker=[user.marker for user in users]
            )
        with self.play.phase("seed"), self._calling("seed()"):
            self.play.scenario.seed(self.live, users)
        if self.guests:
            with self._calling("progress()"):
                self.guests.arrived(self.play.scenario.progress(self.live))

    def change(self, users: list[SyntheticUser]) -> None:
        """Changes the data of users who are in already."""
        with self.play.phase("seed"), self._calling("change()"):
            self.play.scenario.change(self.live, users)

    def attempt(self, user: SyntheticUser) -> Outcome | None:
        """Sends one user through as the scenario says."""
        with self.play.phase("press"), self._calling("attempt()"):
            told = self.play.scenario.attempt(self.live, user)
        return told if told is None else _without_secrets(told)

    def outcomes(self) -> Iterable[Outcome]:
        """What the batch says became of each item. Raises UsageError for a typo in the scenario; whatever else
        its code raises comes through."""
        return self._read("outcomes()", self.play.scenario.outcomes) or []

    def effects(self) -> Iterable[Effect] | None:
        """What the downstream did, or None where the scenario cannot tell. Raises as `outcomes` does."""
        return self._read("effects()", self.play.scenario.effects)

    def _read(self, hook: str, read: Callable[[Live], Iterable[Row] | None]) -> list[Row] | None:
        try:
            with self.play.phase("collect"):
                found = read(self.live)
                if found is None:
                    return None
                return [_without_secrets(row) for row in (self.guests.ours(found) if self.guests else found)]
        except (NameError, AttributeError, ImportError, SystemExit) as problem:
            raise mistake(hook, self.play.source, self.stage.kind, problem) from problem

    def press(
        self, trigger: Trigger, count: int, *, scale: int = 0, number: int = 1, pull: Pull | None = None
    ) -> Press:
        """Pulls a trigger with the first `count` users, waits until the batch is idle, and records it.

        scale 0 is for questions beside the ladder; `pull` pulls the trigger in another way than as it is written.
        Raises ServiceGone where a service ended meanwhile.
        """
        readings: list[tuple[float, Progress]] = []
        record, pull = self.play.record, pull or self.pull(trigger, list(self.play.users[:count]))
        button = Button(
            progress=self._progress,
            settle=self._settle,
            deadline=self.play.deadline,
            seen=lambda progress: self.saw(readings, progress),
            patience=self.patience,
            begins=self._begins,
            pace=self.play.pace,
        )
        with self.play.phase("press"), self._calling(f"trigger {trigger.name!r}"):
            self._notice_a_late_start()
            self.commands.meanwhile = self._onlooker(readings)
            press = button.press(lambda: self._taped(pull), count)
        self._take_in(press)
        if scale and readings:
            keep_progress(record, scale, readings)
        record.event(
            Pressed(
                scale=scale,
                trigger=trigger.name,
                press=number,
                users=count,
                exchange=press.exchange,
                accepted=press.accepted,
                why=press.why,
                seconds=round(press.seconds, 4),
                done=press.progress.done,
                failed=press.progress.failed,
                left=self.left(count),
                stuck=press.stuck,
            )
        )
        return press

    def _take_in(self, press: Press) -> None:
        before, self.progress = self.progress, press.progress
        if (before.done, before.failed) != (press.progress.done, press.progress.failed):
            self.newly_failed = press.progress.failed - before.failed
        self.batch_seconds += press.seconds
        if self.watcher:
            self.watcher.resting(press.progress)
        self.stuck = press.stuck
        self._lost = time.monotonic() - press.seconds if press.accepted is False and press.seconds else None

    def _notice_a_late_start(self) -> None:
        """A press that came to nothing may have been a slow one: that is said, and later ones have more time."""
        lost, self._lost = self._lost, None
        if lost is None:
            return
        now = self._progress()
        if now.running or (now.done, now.failed) != (self.progress.done, self.progress.failed):
            seconds = time.monotonic() - lost
            self.play.pace.began(seconds)
            why = (
                f"it counted as lost after {self._begins:g} s, yet began within {seconds:.0f} s: set `begins`"
            )
            self.play.record.event(NotSeen(probe="what came of a press", why=why))

    def saw(self, readings: list[tuple[float, Progress]], progress: Progress) -> None:
        """Takes in a reading while the batch is pressed; the watcher may hold it for a look."""
        readings.append((self.play.record.now, progress))
        if self.watcher and progress.running:
            self.watcher.working(progress)

    def _onlooker(self, readings: list[tuple[float, Progress]]) -> Callable[[], bool]:
        """Looks on while a command runs; says False once nothing has moved for as long as patience lasts."""
        last, changed = self.progress, time.monotonic()

        def look() -> bool:
            nonlocal last, changed
            now = self._progress()
            self.saw(readings, now)
            if now != last:
                last, changed = now, time.monotonic()
            return time.monotonic() < min(changed + self.patience, self.play.deadline)

        return look

    def now(self) -> Progress:
        """How far the batch is now. Raises ServiceGone where a service has ended."""
        with self._calling("progress()"):
            return self._progress()

    def _progress(self) -> Progress:
        told = self.play.scenario.progress(self.live)
        return self.guests.since(told) if self.guests else told

    def pull(self, trigger: Trigger, users: list[SyntheticUser]) -> Pull:
        """The trigger as the scenario has it, for these users."""
        return lambda live: getattr(self.play.scenario, trigger.method)(live, users)

    def _taped(self, pull: Pull) -> Response:
        self.tape = None
        with recording(self.live) as tape:
            reply = pull(self.live)
        if tape.played and reply.exchange.via == "http":
            tape.ends_with(reply)
            self.tape = tape
        return reply

    def left(self, count: int) -> int:
        """How many of the first `count` users the batch had not worked on when it last got idle."""
        return count - self.progress.done - self.progress.failed

    def ended(self, scale: int = 0) -> list[str]:
        """The services that have ended by themselves; each is recorded."""
        gone = []
        for name, service in self.stage.services.items():
            ending = service.ending()
            if ending is None:
                continue
            gone.append(name)
            done, failed = self.progress.done, self.progress.failed
            self.play.record.event(
                ServiceEnded(
                    scale=scale,
                    service=name,
                    exit_code=ending.exit_code,
                    oom_killed=ending.oom_killed,
                    done=done,
                    failed=failed,
                )
            )
            why = "killed for its memory" if ending.oom_killed else f"exit code {ending.exit_code}"
            self.play.say(f"{name} has ended ({why}) after {done:,} items")
        return gone

    def revive(self, names: Iterable[str]) -> bool:
        """Starts services again that have ended. False where one does not come up."""
        try:
            for name in names:
                self.stage.services[name].revive()
        except EnvironmentProblem as problem:
            self.play.say(problem.seen)
            return False
        self.live.moved(self._addresses())
        return True

    def keep_logs(self, purpose: str, scale: int = 0) -> None:
        """Writes what every service logged into the record; of a scale, how much it was as well."""
        for name, service in self.stage.services.items():
            with self.play.phase("collect"):
                logged = service.logged()
            self.play.record.log(f"{purpose}-{name}", logged.kept)
            if scale and logged.written is None:
                why = "the engine keeps the end of a long log, and does not tell how long it was"
                self.play.record.event(NotSeen(probe=f"how much {name} logs", why=why, decisive=False))
            elif scale and logged.written is not None:
                self.play.record.event(
                    LogSeen(
                        scale=scale,
                        service=name,
                        written=logged.written,
                        seconds=round(time.monotonic() - self._up_since, 3),
                        whole=logged.whole,
                        rate=logged.rate,
                    )
                )

    def address(self, service: Service) -> tuple[str, int]:
        """Where a service is reached now, through its gateway if it has one."""
        return self._addresses()[service.name]

    def _addresses(self) -> dict[str, tuple[str, int]]:
        return {name: self.stage.services[entry].address for name, entry in self.stage.entries.items()}

    @contextmanager
    def _calling(self, hook: str) -> Iterator[None]:
        """Around the scenario's own code: a mistake in it is told with its line, a dead service as such."""
        try:
            with calling(hook, self.play.source, self.stage.kind):
                yield
        except HarnessError as problem:
            dead = [name for name, service in self.stage.services.items() if service.ending()]
            if dead:
                raise ServiceGone(f"{' and '.join(dead)} ended during {hook}") from problem
            cause = problem.__cause__
            if isinstance(cause, UnexpectedAnswer) and cause.exchange.status is None:
                raise ServiceGone(f"no answer during {hook}: {cause.seen}") from problem
            raise


def _without_secrets(row: Row) -> Row:
    """What the batch says of an item, as the record will have it: single tries are held against that."""
    if isinstance(row, Outcome) and isinstance(row.detail, str) and row.detail:
        return replace(row, detail=clean(row.detail))
    return row


def keep_progress(record: RecordWriter, scale: int, readings: list[tuple[float, Progress]]) -> None:
    """Writes how far the batch was, and when, into `progress-<scale>`."""
    record.rows(
        f"progress-{scale}",
        t=[round(t, 4) for t, _ in readings],
        done=[progress.done for _, progress in readings],
        failed=[progress.failed for _, progress in readings],
    )
