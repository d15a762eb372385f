"""Real kills by the kernel, and what runs that were not killed foretold of them. Resumable, one small file a kill."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from harness.checks.memory.forecast import Forecast, forecast
from harness.checks.memory.verdict import Reading, Stretch, read
from tests.bench.memory.bench_service import SETTLE, Bench, Gone, running
from tests.bench.memory.collect import all_of, jobs

STORE = Path(".cache/bench-memory/kills")
MODES = ("quiet", "burst", "threads", "sawtooth", "lru", "warmup")
MOST_ITEMS = 12000


@dataclass(frozen=True)
class Kill:
    """A service that leaks `leak` bytes an item (log-normal where sigma > 0), under `limit` bytes."""

    mode: str
    leak: int
    limit: int
    sigma: float
    seed: int

    @property
    def name(self) -> str:
        return f"{self.mode}-{self.leak}-{self.limit >> 20}-{self.sigma:g}-{self.seed}"

    @property
    def env(self) -> dict[str, str]:
        return {
            "MEMORY_MODE": self.mode,
            "MEMORY_LEAK_BYTES": str(self.leak),
            "MEMORY_LEAK_SIGMA": str(self.sigma),
            "MEMORY_SEED": str(self.seed),
        }


KILLS = [
    *(Kill(mode, 20480, 96 << 20, 0, seed) for seed in range(10) for mode in MODES),
    *(Kill("quiet", 20480, 96 << 20, 1, seed) for seed in range(40)),
]
SERIES = ("free", "limited")


def collect(kill: Kill) -> dict[str, Any]:
    """One kill, and two runs of the same service (another seed of its sizes) over half the items it took: one without
    a limit, and one under the limit that killed."""
    path = STORE / f"{kill.name}.json"
    if path.exists():
        return dict(json.loads(path.read_text()))
    with running(kill.env, limit=kill.limit) as bench:
        killed_at = _until_killed(bench)
        kills = bench.oom_kills()
    other = replace(kill, seed=kill.seed + 1000)
    halves = {
        name: _half(other, killed_at, limit) for name, limit in zip(SERIES, (0, kill.limit), strict=True)
    }
    STORE.mkdir(parents=True, exist_ok=True)
    run = {"kill": asdict(kill), "killed_at": killed_at, "oom_kills": kills, **halves}
    path.write_text(json.dumps(run))
    return run


def _half(kill: Kill, killed_at: int, limit: int) -> dict[str, list[float]]:
    series: dict[str, list[float]] = {"items": [], "held": []}
    with running(kill.env, limit=limit) as bench:
        while bench.items <= killed_at / 2 + 10:
            time.sleep(SETTLE)
            series["items"].append(bench.items)
            series["held"].append(bench.held() or 0)
            bench.feed(10)
    return series


def _until_killed(bench: Bench) -> int:
    try:
        while bench.items < MOST_ITEMS:
            bench.feed(4)
    except Gone:
        pass
    return bench.items


def foretold(run: dict[str, Any], share: float, series: str = "free") -> tuple[Reading, Forecast | None]:
    """The reading and the forecast from the first `share` of the items until the kill, in one of the two runs."""
    items, held = (np.array(run[series][name], dtype=float) for name in ("items", "held"))
    seen = items <= share * run["killed_at"]
    reading = read(Stretch(items=items[seen], held=held[seen]))
    return reading, forecast(reading, run["kill"]["limit"]) if reading.grows else None


def missing() -> Iterator[tuple[str, Callable[[], object]]]:
    """The kills that are not kept yet."""
    for kill in KILLS:
        if not (STORE / f"{kill.name}.json").exists():
            yield kill.name, partial(collect, kill)


if __name__ == "__main__":
    all_of(list(missing()), jobs())
