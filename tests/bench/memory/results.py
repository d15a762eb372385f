"""Judges every kept run and writes the table: `python -m tests.bench.memory.results`."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from harness.checks.memory import REACH
from harness.checks.memory.story import collected
from harness.checks.memory.verdict import Reading, Stretch, read
from harness.stage.memory_files import Cgroup
from tests.bench.memory import collect, lines, runtimes
from tests.bench.memory import cost as costs
from tests.bench.memory.bench_service import running
from tests.bench.memory.foretold import forecasts
from tests.bench.memory.lines import GUNICORN
from tests.bench.memory.rehearsed import LIMIT, Yardstick, rehearsed, said
from tests.bench.memory.tables import load, table

TABLE = Path("tests/bench/memory.md")
BYTES_PER_SLOT = 9  # what the list of the planted leak takes itself, an item
HOW = {False: "black box", True: "agent"}
SPACING = {400: 10, 2000: 25, 4000: 50}  # items between two readings, about 80 a scale as in a rehearsal


def reading(run: dict[str, Any], items: int) -> Reading:
    """The word for the first `items` items of a run."""
    x = np.array(run["items"], dtype=float)
    chosen = (x <= items) & (x % SPACING[items] == 0)
    live = np.array(run["live"], dtype=float)[chosen] if run.get("live") else None
    return read(Stretch(items=x[chosen], held=np.array(run["held"], dtype=float)[chosen], live=live))


def words(found: list[Reading]) -> str:
    """How often each word was said."""
    return ", ".join(f"{n} {word}" for word, n in Counter(each.word for each in found).most_common())


def verdicts() -> Iterator[str]:
    """Leak-free and planted runs, by cell and number of items."""
    healthy, planted, grown = [], [], _grown()
    pooled: dict[tuple[bool, int, int], list[tuple[float, list[Reading]]]] = {}
    for cell in collect.CELLS:
        runs = load(collect.STORE / cell.name)
        for items in (400, 2000, 4000):
            if items > cell.items or not runs:
                continue
            found = [reading(run, items) for run in runs]
            how = HOW[cell.agent]
            if not cell.leak:
                accused = sum(each.word == "leak" for each in found)
                healthy.append([cell.mode, how, items, len(found), accused, words(found)])
            elif items == cell.items:
                truth = cell.leak + BYTES_PER_SLOT
                process = grown.get((cell.mode, cell.leak)) if not cell.agent else None
                own = _hits([(process, found)])[1] if process else "-"
                planted.append(
                    [cell.mode, how, cell.leak, items, *_hits([(truth, found)]), own, words(found)]
                )
                pooled.setdefault((cell.agent, cell.leak, items), []).append((truth, found))
    for (agent, leak, items), cells in pooled.items():
        together = [each for _, found in cells for each in found]
        planted.append(["all of them", HOW[agent], leak, items, *_hits(cells), "-", words(together)])
    yield "## Leak-free services: how often the word was leak\n"
    yield from table("habit|reading|items|runs|leak|words", healthy)
    yield "## Planted leaks: how often growth was reported, and the median error of bytes an item\n"
    yield (
        "At 400 items the word is `growing`: so few items do not tell a leak from a cache that fills. The second"
        " error is against what the process itself grows by in long runs, the next table.\n"
    )
    head = "habit|reading|bytes an item|items|found|median error|against the process|words"
    yield from table(head, planted)


def _hits(cells: list[tuple[float, list[Reading]]]) -> tuple[str, str]:
    """How many were found, and the median error of their size."""
    errors = [abs(each.slope / truth - 1) for truth, found in cells for each in found if each.grows]
    error = np.median(errors) if errors else np.nan
    return f"{len(errors)}/{sum(len(found) for _, found in cells)}", f"{error:.1%}"


def long_runs() -> Iterator[str]:
    """What resident memory grows by, from peak to peak, far behind the warm-up."""
    rows = []
    for cell in collect.LONG:
        grown = [_peak_to_peak(run) for run in load(collect.STORE / cell.name)]
        if grown:
            median, truth = float(np.median(grown)), cell.leak + BYTES_PER_SLOT
            spread = f"{min(grown):,.0f} to {max(grown):,.0f} B"
            rows.append(
                [cell.mode, cell.leak, len(grown), f"{median:,.0f} B", spread, f"{median / truth - 1:+.0%}"]
            )
    yield "## What a planted byte costs in resident memory, from item 4,000 to 12,000\n"
    yield (
        "A kept block that falls into a hole of another size wastes the rest of it: where other things come and go,"
        " the process grows by more than what is planted. That is no error of an estimate about the process.\n"
    )
    yield from table("habit|bytes an item|runs|resident memory grows by|runs between|against planted", rows)


def _grown() -> dict[tuple[str, int], float]:
    """What the process of a long run grows by, in bytes an item, by habit and leak."""
    found = {}
    for cell in collect.LONG:
        runs = load(collect.STORE / cell.name)
        if runs:
            found[cell.mode, cell.leak] = float(np.median([_peak_to_peak(run) for run in runs]))
    return found


def _peak_to_peak(run: dict[str, Any]) -> float:
    x, y = np.array(run["items"], dtype=float), np.array(run["held"], dtype=float)
    early, late = (y[(x > end - 2000) & (x <= end)].max() for end in (4000, 12000))
    return float(late - early) / 8000


def attribution() -> Iterator[str]:
    """The planted line, and captures after kills."""
    rows = []
    for name in ("uvicorn", "gunicorn", "sigkill", "oom"):
        runs = [json.loads(path.read_text()) for path in sorted(lines.STORE.glob(f"{name}-*.json"))]
        if runs:
            rows.append([name, len(runs), sum(run["first"] for run in runs)])
    yield "## The planted line comes first\n"
    yield "sigkill, oom: the capture of a service that was killed inside the window.\n"
    yield from table("service|runs|first", rows)


def agent_cost() -> Iterator[str]:
    """CPU an item and memory, of a service with the agent against its twin without."""
    rows = []
    for folder in sorted(costs.STORE.glob("*")):
        runs = load(folder)
        for phase in costs.PHASES:
            bare, watched, held = np.array([run[phase] for run in runs]).T
            ratio = f"{np.median(watched / bare) - 1:+.0%}"
            figures = f"{np.median(bare) * 1e3:.2f} ms", f"{np.median(watched) * 1e3:.2f} ms", ratio
            rows.append([folder.name, phase, len(runs), *figures, f"{np.median(held) / 2**20:+.1f} MiB"])
    yield "## What the agent costs, beside a twin without it\n"
    yield (
        "Both are fed in turn and keep 1 KiB an item. Medians of the runs; the ratio is the median of each run's own."
        " What the window costs is CPython's profile hook, which memray needs, and which doubles the CPU of Python"
        " code: it is on for a third of the time, in slices. Only where the leak is so small (600 B an item and less)"
        " that small objects are traced one by one, it is on all the time.\n"
    )
    yield from table(
        "service|phase|runs|CPU an item, bare|with the agent|against bare|memory against bare", rows
    )


def others() -> Iterator[str]:
    """Node and the JVM."""
    rows = []
    for folder in sorted(runtimes.STORE.glob("*")):
        runtime = folder.name.split("-")[0]
        both = [[collected(reading(run, items), runtime) for items in (2000, 4000)] for run in load(folder)]
        for at, items in enumerate((2000, 4000)):
            rows.append([folder.name, items, len(both), words([each[at] for each in both])])
        fed = [first if _decided(first) else second for first, second in both]
        rows.append([folder.name, "2000, fed on to 4000 where undecided", len(fed), words(fed)])
    yield "## Other runtimes (bytes an item in the name)\n"
    yield from table("service|items|runs|words", rows)


def _decided(found: Reading) -> bool:
    """Whether a rehearsal of 2,000 users under 128 MiB would let it rest there."""
    doubtful = found.word in ("unsure", "growing", "saturating")
    return not doubtful or found.could_hold(REACH * 2000) <= LIMIT


def ceilings() -> Iterator[str]:
    """Cases that must never be called healthy, run anew each time."""
    rows = []
    leak = {"MEMORY_LEAK_BYTES": "20480"}
    forked = [*GUNICORN, "-k", "gthread", "--threads", "4", "forked:app"]
    with tempfile.TemporaryDirectory() as scratch:
        for n in range(3):
            place = Path(scratch)
            with running({**leak, "MEMORY_RLIMIT_DATA": str(90 << 20)}) as bench:
                rows.append(
                    ["RLIMIT_DATA 90 MiB", *_told(rehearsed(place / f"a{n}", Yardstick(bench), 4000))]
                )
            with running(leak, limit=96 << 20, command=forked) as bench:
                record = rehearsed(place / f"b{n}", Yardstick(bench), 4000, limit=96 << 20)
                rows.append(["workers killed one after another", *_told(record)])
            with running(leak) as bench:
                record = rehearsed(place / f"c{n}", Yardstick(bench, blind_after=40), 2000)
                rows.append(["readings stop half-way", *_told(record)])
            with running(leak) as bench:
                record = rehearsed(place / f"d{n}", Yardstick(bench, blind_after=0), 400)
                rows.append(["never readable", *_told(record)])
    yield "## Ceilings, kills and blindness under the product's own sampler and checks\n"
    yield from table("case|word|findings|not checked", sorted(rows))


def _told(record: Any) -> list[object]:
    word, found, unseen = said(record)
    return [word.split(";")[0], ", ".join(each.code for each in found) or "none", len(unseen)]


def cost() -> Iterator[str]:
    """CPU a sample, for a small and a large process."""
    rows = []
    for size in (0, 800 << 20):
        with running({"MEMORY_MODE": "quiet", "MEMORY_LEAK_BYTES": str(size // 40 if size else 0)}) as bench:
            bench.feed(40)
            group = Cgroup(bench.process.pid)
            for deep, times in ((False, 2000), (True, 20)):
                started = time.process_time()
                for _ in range(times):
                    told = group.reading(deep=deep)
                spent = (time.process_time() - started) / times
                held = f"{(told.held if told else 0) / 2**20:.0f} MiB"
                rows.append([held, "checkpoint" if deep else "sample", f"{spent * 1e3:.3f} ms"])
    yield "## CPU of one reading\n"
    yield from table("service holds|reading|CPU", rows)


def sections(text: str) -> dict[str, str]:
    """The sections of a table by their heading."""
    parts = text.split("\n## ")[1:]
    return {part.split("\n", 1)[0]: f"## {part.rstrip()}\n" for part in parts}


def main() -> None:
    """Writes the table, or prints it where `--print` is given. A section whose runs are not on this machine stays as
    it was written last."""
    parts = (verdicts, long_runs, forecasts, attribution, agent_cost, others, ceilings, cost)
    known = sections("\n" + TABLE.read_text()) if TABLE.exists() else {}
    told = sections("\n" + "\n".join(line for part in parts for line in part()))
    kept = {name: known[name] for name in told if name in known and told[name].count("\n|") <= 2}
    text = "# What the memory verdict was measured to do\n\nWritten by `make bench-memory`; do not edit.\n\n"
    text += "\n".join((told | kept).values())
    if "--print" in sys.argv:
        print(text)
    else:
        TABLE.write_text(text.rstrip() + "\n")


if __name__ == "__main__":
    main()
