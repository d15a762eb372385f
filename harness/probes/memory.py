"""Samples what every service holds in memory, many times a second, and looks closely at points of rest.

A running batch seldom rests by itself, so it is held for some milliseconds at evenly spaced items: what the services
then hold is theirs to keep, without the requests in flight.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType

from harness.model.events import NotSeen
from harness.model.memory import MemoryReading
from harness.model.record import RecordWriter
from harness.model.scenario import Progress
from harness.model.stage import RunningService

EVERY = 0.05
FLUSH = 1.0
SETTLE = 0.01
SHARE = 0.09
LEAST = 20


class MemorySampler:
    """Writes three tables while its `with` lasts.

    memory-<scale>        t, service, bytes, usage, oom_kills, pids, source: about 20 times a second
    checkpoints-<scale>   the same at points of rest, exactly, with done and failed items, shared, kernel, limit,
                          pressure, live (heap, by the agent), and the nearest ceiling inside (ceiling,
                          ceiling_bytes, ceiling_used)
    memory-ends-<scale>   once a service, at the end: runtime, oom_events (the engine's), and all ceilings as text
    """

    def __init__(self, services: Mapping[str, RunningService], record: RecordWriter, scale: int) -> None:
        self._services, self._record, self._scale = services, record, scale
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="memory-sampler", daemon=True)
        self._rows: list[dict[str, object]] = []
        self._seen: set[str] = set()
        self._runtimes: dict[str, str] = {}

    def __enter__(self) -> MemorySampler:
        self._runtimes = {name: service.runtime() for name, service in self._services.items()}
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._write(f"memory-ends-{self._scale}", [self._end(name) for name in self._services])
        for name in self._services.keys() - self._seen:
            why = f"at {self._scale}x the memory of {name} could not be read even once"
            self._record.event(NotSeen(probe=f"memory of {name}", why=why))

    def look_closely(self, progress: Progress) -> None:
        """Writes one checkpoint of every service; they should be at rest."""
        rows: list[dict[str, object]] = []
        for name, service in self._services.items():
            reading = service.memory(deep=True)
            if reading is None:
                continue
            near = max(service.ceilings(), key=lambda ceiling: ceiling.used / ceiling.limit, default=None)
            rows.append(
                {
                    **self._row(name, reading),
                    "done": progress.done,
                    "failed": progress.failed,
                    "shared": reading.shared,
                    "kernel": reading.kernel,
                    "limit": reading.limit,
                    "pressure": reading.pressure,
                    "live": service.live_heap(),
                    "ceiling": near.name if near else "",
                    "ceiling_bytes": near.limit if near else None,
                    "ceiling_used": near.used if near else None,
                }
            )
        self._write(f"checkpoints-{self._scale}", rows)

    def _end(self, name: str) -> dict[str, object]:
        service = self._services[name]
        ceilings = (f"{each.name} {each.used} of {each.limit}" for each in service.ceilings())
        return {
            "service": name,
            "runtime": self._runtimes.get(name, ""),
            "oom_events": service.oom_events(),
            "ceilings": "; ".join(dict.fromkeys(ceilings)),
        }

    def _row(self, name: str, reading: MemoryReading) -> dict[str, object]:
        self._seen.add(name)
        return {
            "t": round(self._record.now, 3),
            "service": name,
            "bytes": reading.held,
            "usage": reading.usage,
            "oom_kills": reading.oom_kills,
            "pids": " ".join(map(str, reading.pids)),
            "source": reading.source,
        }

    def _sample(self) -> None:
        flushed = self._record.now
        while True:
            for name, service in self._services.items():
                reading = service.memory()
                if reading is not None:
                    self._rows.append(self._row(name, reading))
            last = self._stop.wait(EVERY)
            if last or self._record.now - flushed > FLUSH:
                flushed = self._record.now
                self._write(f"memory-{self._scale}", self._rows)
                self._rows.clear()
            if last:
                return

    def _write(self, table: str, rows: list[dict[str, object]]) -> None:
        if rows:
            self._record.rows(table, **{column: [row[column] for row in rows] for column in rows[0]})


class Checkpoints:
    """Decides when to look closely: at evenly spaced items, and where the batch rests by itself.

    drivers   the services that push the others on; they are held meanwhile
    count     checkpoints over `users` items; 0: only where the batch rests by itself
    look      looks closely

    All holding together takes at most 9 % of the time the batch runs; what would cost more is left out. In the second
    half 20 are `owed` all the same, because the verdict rests on them: `holds` tells after how many users the batch
    was held for how many seconds, so that this time is not taken for its own.
    """

    def __init__(
        self,
        drivers: Sequence[RunningService],
        count: int,
        users: int,
        look: Callable[[Progress], None],
        owed: int = LEAST,
    ) -> None:
        self._drivers, self._look = drivers, look
        self._users, self._owed = users, min(owed, count // 2)
        self._step = users / count if count else float("inf")
        self._next = self._step
        self._began = 0.0
        self._late = 0
        self._last = -1
        self.holds: list[tuple[int, float]] = []

    @property
    def held(self) -> float:
        """Seconds for which the batch was held so far."""
        return sum(seconds for _, seconds in self.holds)

    def working(self, progress: Progress) -> None:
        """Called with each reading of a batch at work."""
        now, tried = time.monotonic(), progress.done + progress.failed
        self._began = self._began or now
        if tried < self._next or (self.held > SHARE * (now - self._began) and not self._is_owed(tried)):
            return
        self._next = (tried // self._step + 1) * self._step
        held = []
        try:
            for driver in self._drivers:
                if driver.hold():
                    held.append(driver)
            if len(held) == len(self._drivers):
                time.sleep(SETTLE)
                self._look(progress)
                self._late += tried >= self._users / 2
                self._last = tried
        finally:
            for driver in held:
                driver.let_go()
        self.holds.append((tried, time.monotonic() - now))

    def keep(self, record: RecordWriter, scale: int) -> None:
        """Writes table `holds-<scale>`: users, seconds."""
        if self.holds:
            users, seconds = (list(column) for column in zip(*self.holds, strict=True))
            record.rows(f"holds-{scale}", users=users, seconds=[round(each, 4) for each in seconds])

    def _is_owed(self, tried: int) -> bool:
        """Whether fewer looks were taken in the second half than so many users make due."""
        half = self._users / 2
        return tried >= half and self._late < self._owed * (tried - half) / half

    def resting(self, progress: Progress) -> None:
        """Called where the batch rests by itself."""
        tried = progress.done + progress.failed
        if tried != self._last:
            self._last = tried
            self._late += tried >= self._users / 2
            self._look(progress)


class Noting:
    """A watcher that keeps what the batch says in table `progress-<scale>`, and tells another watcher."""

    def __init__(self, other: Checkpoints, record: RecordWriter, scale: int) -> None:
        self._other, self._record, self._table = other, record, f"progress-{scale}"

    def working(self, progress: Progress) -> None:
        """Keeps it, and passes it on."""
        self._keep(progress)
        self._other.working(progress)

    def resting(self, progress: Progress) -> None:
        """Keeps it, and passes it on."""
        self._keep(progress)
        self._other.resting(progress)

    def _keep(self, progress: Progress) -> None:
        self._record.rows(
            self._table, t=[round(self._record.now, 4)], done=[progress.done], failed=[progress.failed]
        )
