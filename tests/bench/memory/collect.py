"""Runs the cells of the matrix and keeps each run's series: resumable, one small file a run."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.bench.memory.bench_service import SETTLE, Bench, Gone, running

STORE = Path(".cache/bench-memory/series")
EARLY, EARLY_STEP, STEP = 400, 10, 25


@dataclass(frozen=True)
class Cell:
    """One kind of run: the habit, the planted leak in bytes an item, the items, and whether the agent is on."""

    mode: str
    leak: int
    items: int
    agent: bool
    runs: int

    @property
    def name(self) -> str:
        return f"{self.mode}-{self.leak}-{self.items}-{'agent' if self.agent else 'blackbox'}"


SIX = ("quiet", "burst", "threads", "sawtooth", "lru", "warmup")
CELLS = [
    *(Cell(mode, 0, 4000, False, 40) for mode in (*SIX, "frag")),
    *(Cell(mode, 20480, 400, False, 20) for mode in ("quiet", "burst")),
    *(Cell(mode, 4096, 2000, False, 20) for mode in SIX),
    *(Cell(mode, 1024, 4000, False, 20) for mode in SIX),
    Cell("frag", 0, 4000, True, 40),
    *(Cell(mode, 256, 2000, True, 20) for mode in SIX),
    *(Cell(mode, 0, 4000, True, 10) for mode in SIX),
]


def collect(cell: Cell, seed: int) -> Path:
    """One run of a cell, unless it is there already."""
    path = STORE / cell.name / f"{seed}.json"
    if path.exists():
        return path
    env = {"MEMORY_MODE": cell.mode, "MEMORY_LEAK_BYTES": str(cell.leak), "MEMORY_SEED": str(seed)}
    with running(env, agent=cell.agent) as bench:
        series = feed(bench, cell.items, agent=cell.agent)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps({"cell": asdict(cell), "seed": seed, **series}))
    fresh.replace(path)
    return path


def feed(bench: Bench, items: int, *, agent: bool = False) -> dict[str, list[float]]:
    """Feeds items and reads at each checkpoint. Ends early, without an error, where the service is killed."""
    series: dict[str, list[float]] = {"items": [], "held": [], "live": []}
    while True:
        time.sleep(SETTLE)
        held = bench.held()
        if held is None:
            break
        series["items"].append(bench.items)
        series["held"].append(held)
        if agent:
            series["live"].append(bench.ask("heap")["live"] or 0)
        if bench.items >= items:
            break
        try:
            bench.feed(EARLY_STEP if bench.items < EARLY else STEP)
        except Gone:
            break
    return series


def main() -> None:
    """Collects everything that is missing, a few runs of each cell at a time."""
    most = max(cell.runs for cell in CELLS)
    for first in range(0, most, 2):
        for cell in CELLS:
            for seed in range(first, min(first + 2, cell.runs)):
                started = time.monotonic()
                known = (STORE / cell.name / f"{seed}.json").exists()
                collect(cell, seed)
                if not known:
                    print(
                        f"{cell.name} {seed}: {time.monotonic() - started:.1f} s", file=sys.stderr, flush=True
                    )


if __name__ == "__main__":
    main()
