"""Runs the cells of the matrix and keeps each run's series: resumable, one small file a run.

`--jobs N` runs so many at a time, each in a process and a control group of its own.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from tests.bench.memory.bench_service import SETTLE, Bench, Gone, running

STORE = Path(".cache/bench-memory/series")
EARLY, EARLY_STEP, STEP, PASSING = 400, 10, 25, 5


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
    Cell("frag", 0, 4000, True, 40),
    *(Cell(mode, 1024, 4000, False, 40 if mode == "sawtooth" else 20) for mode in SIX),
    *(Cell(mode, 4096, 2000, False, 20) for mode in SIX),
    *(Cell(mode, 20480, 400, False, 20) for mode in ("quiet", "burst")),
    *(Cell(mode, 256, 2000, True, 20) for mode in SIX),
    *(Cell(mode, 0, 4000, True, 20) for mode in SIX),
]

LONG = [
    *(Cell("sawtooth", leak, 12000, False, 5) for leak in (1024, 4096)),
    *(Cell("lru", leak, 12000, False, 5) for leak in (1024, 4096)),
    *(Cell("quiet", leak, 12000, False, 5) for leak in (1024, 4096)),
]
"""What resident memory really grows by where other things come and go between what is kept."""


def collect(cell: Cell, seed: int) -> Path:
    """One run of a cell, unless it is there already."""
    path = STORE / cell.name / f"{seed}.json"
    if path.exists():
        return path
    env = {"MEMORY_MODE": cell.mode, "MEMORY_LEAK_BYTES": str(cell.leak), "MEMORY_SEED": str(seed)}
    with running(env, agent=cell.agent) as bench:
        series = feed(bench, cell.items, agent=cell.agent)
    if series["items"][-1] < cell.items:
        raise Gone(f"it ended after {series['items'][-1]:,.0f} items")
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps({"cell": asdict(cell), "seed": seed, **series}))
    fresh.replace(path)
    return path


def feed(bench: Bench, items: int, *, agent: bool = False) -> dict[str, list[float]]:
    """Feeds items and reads at each checkpoint, and less closely in passing between them. Ends early, without an
    error, where the service is killed."""
    series: dict[str, list[float]] = {"items": [], "held": [], "live": [], "passed": [], "passing": []}
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
        step = EARLY_STEP if bench.items < EARLY else STEP
        try:
            for _ in range(step // PASSING):
                bench.feed(PASSING)
                series["passed"].append(bench.items)
                series["passing"].append(bench.held(deep=False) or 0)
        except Gone:
            break
    return series


def jobs() -> int:
    """How many runs at a time the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1)
    return int(parser.parse_args().jobs)


def all_of(missing: list[tuple[str, Callable[[], object]]], at_a_time: int) -> None:
    """Does what is missing, so many at a time, in that order. One that fails is told, and left for the next call."""
    with ProcessPoolExecutor(at_a_time, mp_context=get_context("spawn")) as pool:
        names = {pool.submit(timed, work): name for name, work in missing}
        for ended in as_completed(names):
            problem = ended.exception()
            told = f"failed: {problem!r}" if problem else f"{ended.result():.1f} s"
            print(f"{names[ended]}: {told}", file=sys.stderr, flush=True)


def timed(work: Callable[[], object]) -> float:
    """Does it, and tells how many seconds it took."""
    started = time.monotonic()
    work()
    return time.monotonic() - started


def missing() -> Iterator[tuple[str, Callable[[], object]]]:
    """The runs that are not kept yet: cell by cell, those of the table's first lines first."""
    for cell in (*CELLS, *LONG):
        for seed in range(cell.runs):
            if not (STORE / cell.name / f"{seed}.json").exists():
                yield f"{cell.name} {seed}", partial(collect, cell, seed)


if __name__ == "__main__":
    all_of(list(missing()), jobs())
