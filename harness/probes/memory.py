"""Samples what every service holds in memory, many times a second, beside whatever else happens."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from types import TracebackType

from harness.model.record import NotSeen, RecordWriter
from harness.model.stage import RunningService

EVERY = 0.05
FLUSH = 1.0


class MemorySampler:
    """Writes table `memory-<scale>` (t, service, bytes) while its `with` lasts, a chunk each second."""

    def __init__(self, services: Mapping[str, RunningService], record: RecordWriter, scale: int) -> None:
        self._services, self._record, self._scale = services, record, scale
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="memory-sampler", daemon=True)
        self._rows: list[tuple[float, str, int]] = []
        self._seen: set[str] = set()

    def __enter__(self) -> MemorySampler:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        for name in self._services.keys() - self._seen:
            why = f"at {self._scale}x the memory of {name} could not be read even once"
            self._record.event(NotSeen(probe=f"memory of {name}", why=why))

    def _sample(self) -> None:
        flushed = self._record.now
        while True:
            for name, service in self._services.items():
                held = service.memory()
                if held is not None:
                    self._rows.append((round(self._record.now, 3), name, held))
                    self._seen.add(name)
            last = self._stop.wait(EVERY)
            if last or self._record.now - flushed > FLUSH:
                flushed = self._record.now
                self._flush()
            if last:
                return

    def _flush(self) -> None:
        if self._rows:
            t, service, held = zip(*self._rows, strict=True)
            self._record.rows(f"memory-{self._scale}", t=t, service=service, bytes=held)
            self._rows.clear()
