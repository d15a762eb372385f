"""Runs a service into its memory limit, to see whether the kill comes where it was foretold, and what the batch makes
of the items that are in flight then.

A kill has four witnesses, and any of the first three will do: the kernel's counter, the engine's event, the exit
code. The fourth, that a process is gone, counts where the service stood at its limit: a child may end by itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from harness.errors import HarnessError, TimeBudgetSpent
from harness.model.growth import KillWitness
from harness.model.memory import MemoryReading
from harness.model.record import RecordWriter
from harness.model.scenario import Progress
from harness.model.stage import RunningService
from harness.probes.background import Background
from harness.probes.diary import Diary, Pressing
from harness.probes.rerun import DOWN, Experiment, press_on

EVERY = 0.02
MOST_PRESSES = 1000
NEAR = 0.9
SIGKILLED = (137, -9)
HEARD_WITHIN = 2.0
WITNESSES = 4


@dataclass
class KillWatch:
    """Watches one service on its way to `limit` bytes.

    seen      what has told of a kill so far; empty while there was none
    progress  the batch's last word before it
    rows      table `limit-<service>`: t, done, failed, bytes
    """

    service: RunningService
    limit: int
    seen: list[KillWitness] = field(default_factory=list)
    progress: Progress = field(default_factory=lambda: Progress(0, 0, False))
    rows: list[tuple[float, int, int, int]] = field(default_factory=list)
    _first: MemoryReading | None = None
    _last: MemoryReading | None = None

    def look(self, progress: Progress | None, now: float) -> bool:
        """Takes one look; None where the batch cannot be asked any more. True once there was a kill."""
        if progress is not None:
            self.progress = progress
        reading = self.service.memory()
        if reading is not None:
            self.rows.append((round(now, 3), self.progress.done, self.progress.failed, reading.held))
            self._first = self._first or reading
        told = self._witnesses(reading)
        self._last = reading or self._last
        if set(told) - {"process"} or ("process" in told and self._stood_at_its_limit()):
            self.seen = told
        return bool(self.seen)

    def settle(self) -> None:
        """Hears the other witnesses: they come some time after the first. Returns once all have told, or in 2 s."""
        until = time.monotonic() + HEARD_WITHIN
        while len(self.seen) < WITNESSES and time.monotonic() < until:
            time.sleep(EVERY)
            told = self._witnesses(self.service.memory())
            engine: list[KillWitness] = ["event"] if self.service.oom_events() else []
            self.seen = [*dict.fromkeys([*self.seen, *told, *engine])]

    def _witnesses(self, reading: MemoryReading | None) -> list[KillWitness]:
        told: list[KillWitness] = []
        first, last, ending = self._first, self._last, self.service.ending()
        if reading and first and (reading.oom_kills or 0) > (first.oom_kills or 0):
            told.append("counter")
        if ending is not None and (ending.oom_killed or ending.exit_code in SIGKILLED):
            told.append("exit code")
        if last and last.pids and (ending is not None or (reading and set(last.pids) - set(reading.pids))):
            told.append("process")
        return told

    def _stood_at_its_limit(self) -> bool:
        return max((held for *_, held in self.rows[-5:]), default=0) >= NEAR * self.limit


def into_the_limit(watch: KillWatch, now: Callable[[], float]) -> Experiment:
    """The experiment: press until the kernel kills, start again what has ended, and press on."""
    name = watch.service.name

    def run(diary: Diary) -> bool:
        press = _press_until_killed(diary, watch, now)
        if press is None:
            return False
        watch.settle()
        time.sleep(DOWN)
        if watch.service.ending() is not None:
            diary.desk.revive(name)
        try:
            diary.note(press.result())
        except TimeBudgetSpent:
            raise
        except HarnessError as problem:  # the batch is gone, or its answer: that is the experiment
            diary.cut_off(problem.seen)
        press_on(diary)
        return True

    what = f"{name} is killed by the kernel at its memory limit and the button is pressed again"
    return Experiment("oom", f"limit-{name}", what, run, name)


def keep_way(watch: KillWatch, record: RecordWriter) -> None:
    """Writes table `limit-<service>`."""
    if watch.rows:
        t, done, failed, held = (list(column) for column in zip(*watch.rows, strict=True))
        record.rows(f"limit-{watch.service.name}", t=t, done=done, failed=failed, bytes=held)


def _press_until_killed(
    diary: Diary, watch: KillWatch, now: Callable[[], float]
) -> Background[Pressing] | None:
    """The press under which the kill came; None where all was done before, or nothing moves any more."""
    admin, before = diary.desk.admin(), diary.desk.progress()
    for _ in range(MOST_PRESSES):
        press = Background(admin)
        while not press.ended:
            if watch.look(_progress(diary), now()):
                return press
            time.sleep(EVERY)
        if watch.look(_progress(diary), now()):
            return press
        went = diary.note(press.result())
        if went.left <= 0 or press.result().stuck or press.result().progress == before:
            return None
        before = press.result().progress
    return None


def _progress(diary: Diary) -> Progress | None:
    try:
        return diary.desk.progress()
    except TimeBudgetSpent:
        raise
    except HarnessError:
        return None
