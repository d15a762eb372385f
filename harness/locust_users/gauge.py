"""How well the generator itself fares: its share of a CPU, how long its loop stands still, what it sends late."""

from __future__ import annotations

import resource
import time
from dataclasses import dataclass

import gevent

from harness.probes.own_cpu import waited

TICK = 0.02
LATE = 0.02


@dataclass
class Gauge:
    """One process's gauge. It begins with the first lease; `late` counts items that had a free user and were sent
    more than LATE after they were due, `queued` those that no user was free for in time."""

    began: float = 0.0
    cpu_began: float = 0.0
    waited_began: float = 0.0
    lag_sum: float = 0.0
    lag_most: float = 0.0
    ticks: int = 0
    lagged: int = 0
    late: int = 0
    late_most: float = 0.0
    queued: int = 0

    def begin(self) -> None:
        """From now on; only the first call counts."""
        if not self.began:
            self.began, self.cpu_began, self.waited_began = time.monotonic(), time.process_time(), waited()

    def went(self, late: float, *, free: bool) -> None:
        """An item with a due time goes out, `late` seconds after it; `free`: its user waited for it."""
        if late > LATE:
            if free:
                self.late += 1
                self.late_most = max(self.late_most, late)
            else:
                self.queued += 1

    def watch(self) -> None:
        """Measures by how much a short sleep is overslept, for ever."""
        while True:
            before = time.monotonic()
            gevent.sleep(TICK)
            lag = time.monotonic() - before - TICK
            if self.began:
                self.ticks += 1
                self.lag_sum += lag
                self.lag_most = max(self.lag_most, lag)
                self.lagged += lag > 0.1

    def reading(self) -> dict[str, float]:
        """The figures so far."""
        return {
            "seconds": time.monotonic() - self.began if self.began else 0.0,
            "cpu": time.process_time() - self.cpu_began if self.began else 0.0,
            "waited": waited() - self.waited_began if self.began else 0.0,
            "lag_mean": self.lag_sum / self.ticks if self.ticks else 0.0,
            "lag_most": self.lag_most,
            "lagged": self.lagged / self.ticks if self.ticks else 0.0,
            "late": self.late,
            "late_most": self.late_most,
            "queued": self.queued,
            "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        }
