"""Names the lines that keep memory: a capture in a window after the warm-up, told apart by where memory was taken.

It is made in a run of its own, because tracking bends what it looks at. The capture is memray's default format: it is
readable after a kill.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.model.events import NotSeen
from harness.model.record import RecordWriter
from harness.model.scenario import Progress
from harness.model.stage import RunningService

FROM, UNTIL = 0.25, 0.95
POINTS = 33
MOST_SITES = 50
SMALL_OBJECTS = 600

Mark = tuple[float, int]
Held = dict[tuple[str, str, int], NDArray[np.float64]]


@dataclass
class Window:
    """Watches a batch of `users` items and tracks the services between a quarter of them and nearly all.

    `services` with the bytes an item each was seen to keep: up to 600, small objects are traced one by one.
    """

    services: dict[RunningService, float]
    users: int
    marks: list[Mark] = field(default_factory=list)
    tracking: bool = False
    over: bool = False

    def working(self, progress: Progress) -> None:
        """Begins, notes and ends with the items."""
        if self.over or progress.done < FROM * self.users:
            return
        if not self.tracking:
            self.tracking = True
            for service, slope in self.services.items():
                service.ask_agent("track python" if slope <= SMALL_OBJECTS else "track")
        self.marks.append((time.time() * 1000, progress.done))
        if progress.done >= UNTIL * self.users:
            self.end()

    def resting(self, progress: Progress) -> None:
        """Notes where the batch stands between two presses."""
        if self.tracking and not self.over:
            self.marks.append((time.time() * 1000, progress.done))

    def end(self) -> None:
        """Ends the captures; harmless where a service has died."""
        self.over = True
        for service in self.services:
            service.ask_agent("untrack")


def keep_sites(service: RunningService, window: Window, record: RecordWriter) -> bool:
    """Writes table `sites` (service, file, line, function, items, bytes, kept, count), and a flame graph beside the
    logs. False, and a NotSeen, without a capture."""
    held: Held = {}
    why = (
        "none of its processes made a capture: no CPython, another minor version than ours, or no memray here"
    )
    for capture in service.captures():
        try:
            add_sites(held, capture, window.marks)
            page = capture.with_suffix(".html")
            flame_graph(capture, page)
            if page.exists():
                record.page(page, f"memory-{service.name}-{page.name}")
        except (OSError, ValueError, ImportError) as problem:
            why = f"the capture cannot be read: {problem}"
    rows = as_rows(held, window.marks)
    if not rows:
        record.event(NotSeen(probe=f"the line in {service.name} that keeps memory", why=why, decisive=False))
        return False
    record.rows(
        "sites", service=[service.name] * len(rows), **{name: [row[name] for row in rows] for name in rows[0]}
    )
    return True


def add_sites(held: Held, capture: Path, marks: Sequence[Mark]) -> None:
    """Adds what one process kept to `held`, at 33 points over items: bytes alive there, and the bytes and allocations
    that were born by then and outlived the window.

    A capture in slices knows the lines of a part of the allocations alone; they are drawn out to all items. `marks`
    are (wall clock in ms, items done), ascending. Raises OSError or ValueError for a capture that cannot be read,
    ImportError without memray.
    """
    from memray import FileReader

    reader = FileReader(str(capture))
    times = np.array([snapshot.time for snapshot in reader.get_memory_snapshots()], dtype=float)
    if len(times) < POINTS or len(marks) < 2:
        raise ValueError(f"{len(times)} points in time and {len(marks)} readings of the batch are too few")
    births = np.zeros((2, len(times) + 1))
    known = []
    for record in reader.get_temporal_allocation_records(merge_threads=True):
        stack = record.stack_trace(max_stacks=1)
        for part in record.intervals:
            births[len(stack), part.allocated_before_snapshot] += part.n_allocations
        if stack:
            known.append((stack[0], record.intervals))
    seen = _items_seen(times, marks, births[:, :-1])
    points = np.searchsorted(seen, np.linspace(0, seen[-1], POINTS), side="right") - 1
    share = seen[-1] / (marks[-1][1] - marks[0][1])
    for place, intervals in known:
        series = held.setdefault(place, np.zeros((3, POINTS)))
        for part in intervals:
            end = part.deallocated_before_snapshot
            born = points >= part.allocated_before_snapshot
            series[0] += part.n_bytes / share * (born if end is None else born & (points < end))
            if end is None:
                series[1:] += np.outer((part.n_bytes, part.n_allocations), born) / share


def _items_seen(
    times: NDArray[np.float64], marks: Sequence[Mark], births: NDArray[np.float64]
) -> NDArray[np.float64]:
    """How many items were done by each time while lines were seen. `births` are the allocations up to each time since
    the one before, without a line and with one.

    Between two marks the items advance with the allocations: a hook makes them slow, so time would count too many.
    Raises ValueError where no item was done with lines.
    """
    at, items = np.array(marks, dtype=float).T
    clock = births.sum(axis=0).cumsum()
    done = np.interp(clock, np.interp(at, times, clock), items)
    lines = births[1] / np.maximum(births.sum(axis=0), 1)
    seen: NDArray[np.float64] = (np.diff(done, prepend=done[0]) * lines).cumsum()
    if not seen[-1]:
        raise ValueError("no allocation was seen with its line while items were done")
    return seen


def as_rows(held: Held, marks: Sequence[Mark]) -> list[dict[str, Any]]:
    """The 50 sites that keep most, as rows of table `sites`."""
    largest = sorted(held.items(), key=lambda site: -site[1][1, -1])[:MOST_SITES]
    return [
        {
            "function": function,
            "file": file,
            "line": line,
            "items": [round(float(items), 1) for items in _grid(marks)],
            "bytes": [int(value) for value in series[0]],
            "kept": [int(value) for value in series[1]],
            "count": [int(value) for value in series[2]],
        }
        for (function, file, line), series in largest
    ]


def _grid(marks: Sequence[Mark]) -> NDArray[np.float64]:
    return np.linspace(marks[0][1], marks[-1][1], POINTS)


def flame_graph(capture: Path, page: Path) -> None:
    """Writes one page that holds all it needs: it opens offline and asks nobody for a script."""
    words = ["-m", "memray", "flamegraph", "--leaks", "--no-web", "-f", "-o"]
    subprocess.run(
        [sys.executable, *words, str(page), str(capture)], capture_output=True, timeout=120, check=False
    )
