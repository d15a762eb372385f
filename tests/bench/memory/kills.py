"""Real kills by the kernel, and what a run without a limit foretold of them. Resumable, one small file a kill."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from harness.checks.memory.forecast import Forecast, forecast
from harness.checks.memory.verdict import Reading, Stretch, read
from tests.bench.memory.bench_service import SETTLE, Bench, Gone, running

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
    *(Kill("quiet", 20480, 96 << 20, 1, seed) for seed in range(12)),
]


def collect(kill: Kill) -> dict[str, Any]:
    """One kill, and a run of the same service without a limit over half its items (another seed of its sizes)."""
    path = STORE / f"{kill.name}.json"
    if path.exists():
        return dict(json.loads(path.read_text()))
    with running(kill.env, limit=kill.limit) as bench:
        killed_at = _until_killed(bench)
        kills = bench.oom_kills()
    other = Kill(kill.mode, kill.leak, kill.limit, kill.sigma, kill.seed + 1000)
    series: dict[str, list[float]] = {"items": [], "held": []}
    with running(other.env) as bench:
        while bench.items <= killed_at / 2 + 10:
            time.sleep(SETTLE)
            series["items"].append(bench.items)
            series["held"].append(bench.held() or 0)
            bench.feed(10)
    STORE.mkdir(parents=True, exist_ok=True)
    run = {"kill": asdict(kill), "killed_at": killed_at, "oom_kills": kills, **series}
    path.write_text(json.dumps(run))
    return run


def _until_killed(bench: Bench) -> int:
    try:
        while bench.items < MOST_ITEMS:
            bench.feed(4)
    except Gone:
        pass
    return bench.items


def foretold(run: dict[str, Any], share: float) -> tuple[Reading, Forecast | None]:
    """The reading and the forecast from the first `share` of the items until the kill."""
    items, held = np.array(run["items"], dtype=float), np.array(run["held"], dtype=float)
    seen = items <= share * run["killed_at"]
    reading = read(Stretch(items=items[seen], held=held[seen]))
    return reading, forecast(reading, run["kill"]["limit"]) if reading.grows else None


def main() -> None:
    """Collects the kills that are missing."""
    for kill in KILLS:
        started = time.monotonic()
        collect(kill)
        print(f"{kill.name}: {time.monotonic() - started:.1f} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
