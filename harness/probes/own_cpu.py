"""What the harness and the services got of the CPU: who had to wait for one measures the machine, not the batch."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from harness.model.events import HarnessShare
from harness.model.stage import RunningService


def waited() -> float:
    """Seconds that the main thread wanted a CPU and had none, since it began; 0 where the kernel does not tell."""
    try:
        return int(Path("/proc/self/schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0


def waited_by_thread(services: Iterable[RunningService]) -> dict[str, tuple[float, float]]:
    """Seconds on a CPU and seconds waited for one, of each thread of the services that this machine sees."""
    told: dict[str, tuple[float, float]] = {}
    for service in services:
        with suppress(OSError):  # it has ended, with all its processes
            for pid in service.pids():
                told |= _threads(Path(f"/proc/{pid}/task"))
    return told


def _threads(folder: Path) -> dict[str, tuple[float, float]]:
    told: dict[str, tuple[float, float]] = {}
    with suppress(OSError):  # the process has just ended
        for thread in folder.iterdir():
            with suppress(OSError, ValueError):  # or this thread
                ran, waited_for = (thread / "schedstat").read_text().split()[:2]
                told[thread.name] = int(ran) / 1e9, int(waited_for) / 1e9
    return told


class OwnShare:
    """What the main thread and the services used and waited for while its `with` lasted."""

    def __init__(self, services: Collection[RunningService] = ()) -> None:
        self._services = services

    def __enter__(self) -> OwnShare:
        self._threads = waited_by_thread(self._services)
        self._began, self._cpu, self._waited = time.monotonic(), time.thread_time(), waited()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        seconds, cpu, own = time.monotonic() - self._began, time.thread_time() - self._cpu, waited()
        ran = waited_for = 0.0
        for thread, told in waited_by_thread(self._services).items():
            before = self._threads.get(thread, (0.0, 0.0))
            ran, waited_for = ran + told[0] - before[0], waited_for + told[1] - before[1]
        self.seen = HarnessShare(
            seconds=round(seconds, 3),
            cpu=round(cpu, 3),
            waited=round(own - self._waited, 3),
            services_cpu=round(max(0.0, ran), 3),
            services_waited=round(max(0.0, waited_for), 3),
            cpus=os.cpu_count() or 0,
        )
