"""The series of one service at one scale, out of the record: cut where a process was replaced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.checks.memory.estimators import Bools, Floats
from harness.checks.memory.verdict import LEAST_POINTS, Stretch
from harness.model.events import ServiceEnded
from harness.model.memory import Ceiling
from harness.model.record import Record

STEPS = 40
DROP = 0.1


@dataclass(frozen=True, kw_only=True)
class Life:
    """One unbroken life of a service.

    t          seconds since the rehearsal began, a value for each reading
    tried      items done or failed by then; `stretch.items` counts those that succeeded
    stretch    what was held
    at_rest    read while the batch was held still; else in passing, with what was in flight
    source     where it was read ("stats" is of low resolution)
    ceiling    the nearest limit inside the service at the end, where one was seen
    """

    t: Floats
    tried: Floats
    stretch: Stretch
    at_rest: bool
    source: str = ""
    ceiling: Ceiling | None = None

    @property
    def items(self) -> float:
        """Items that succeeded in this life."""
        return float(self.stretch.items[-1] - self.stretch.items[0]) if len(self.t) else 0.0


@dataclass(frozen=True, kw_only=True)
class ScaleSeries:
    """All that was read of one service at one scale: its lives, and the processes the kernel killed in it."""

    scale: int
    lives: Sequence[Life]
    kills: int

    @property
    def longest(self) -> Life | None:
        """The life that saw the most items."""
        return max(self.lives, key=lambda life: life.items, default=None)


def scale_series(record: Record, scale: int, service: str) -> ScaleSeries | None:
    """The series of a service at a scale; None where it was not read at all."""
    passing = _mine(record.table(f"memory-{scale}"), service)
    rests = _mine(record.table(f"checkpoints-{scale}"), service)
    ends = [end.t for end in record.all(ServiceEnded) if (end.scale, end.service) == (scale, service)]
    at_rest = len(rests.get("t", ())) >= LEAST_POINTS
    rows = rests if at_rest else _with_items(passing, record.table(f"progress-{scale}"))
    if (
        len(rows.get("t", ())) < LEAST_POINTS and rests
    ):  # a batch too quick to be caught at work: before and after
        rows, at_rest = rests, True
    if not rows:
        return None
    whole = _life(rows, np.ones(len(rows["t"]), dtype=bool), at_rest)
    cuts = _cuts(rows, whole, ends)
    lives = [_life(rows, cuts == piece, at_rest) for piece in range(int(cuts[-1]) + 1)]
    if not at_rest:
        lives = [_in_steps(life) for life in lives]
    kills = [*_known(passing, "oom_kills"), *_known(rests, "oom_kills")]
    return ScaleSeries(scale=scale, lives=lives, kills=max(kills) - min(kills) if kills else 0)


def _mine(table: Mapping[str, list[Any]], service: str) -> dict[str, list[Any]]:
    rows = [row for row, name in enumerate(table.get("service", ())) if name == service]
    return {name: [values[row] for row in rows] for name, values in table.items()} if rows else {}


def _known(rows: Mapping[str, list[Any]], column: str) -> list[Any]:
    return [value for value in rows.get(column, ()) if value is not None]


def _with_items(rows: dict[str, list[Any]], progress: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
    """Readings made in passing, between the first and the last word of the batch, with its items beside them."""
    if not rows or not progress.get("t"):
        return {}
    t = np.array(rows["t"])
    during = (t >= progress["t"][0]) & (t <= progress["t"][-1])
    if not during.any():
        return {}
    found = {
        name: [v for v, kept in zip(values, during, strict=True) if kept] for name, values in rows.items()
    }
    for column in ("done", "failed"):
        found[column] = list(np.interp(t[during], progress["t"], np.array(progress[column], dtype=float)))
    return found


def _life(rows: Mapping[str, list[Any]], keep: Bools, at_rest: bool) -> Life:
    def column(name: str) -> Floats:
        return np.array(rows[name], dtype=float)[keep]

    live = column("live") if "live" in rows else np.array([np.nan])
    last = int(np.flatnonzero(keep)[-1])
    near = rows["ceiling"][last] if "ceiling" in rows else ""
    return Life(
        t=column("t"),
        tried=column("done") + column("failed"),
        stretch=Stretch(
            items=column("done"), held=column("bytes"), live=None if np.isnan(live).any() else live
        ),
        at_rest=at_rest,
        source=rows["source"][last] if "source" in rows else "",
        ceiling=Ceiling(near, rows["ceiling_bytes"][last], rows["ceiling_used"][last]) if near else None,
    )


def _cuts(rows: Mapping[str, list[Any]], life: Life, ends: Sequence[float]) -> Floats:
    """Which life each reading belongs to, counted from 0."""
    held, kills = life.stretch.held, [count or 0 for count in rows.get("oom_kills", [0] * len(life.t))]
    pids = [set(str(text).split()) for text in rows.get("pids", [""] * len(life.t))]
    cuts = np.zeros(len(life.t))
    for i in range(1, len(life.t)):
        ended = any(life.t[i - 1] <= end < life.t[i] for end in ends)
        # A child that comes and goes is no new life: the bytes that went with it tell.
        replaced = bool(pids[i - 1] - pids[i]) and held[i] < (1 - DROP) * held[i - 1]
        cuts[i] = cuts[i - 1] + (ended or replaced or kills[i] > kills[i - 1])
    return cuts


def _in_steps(life: Life) -> Life:
    """Readings in passing as medians over 40 steps of equal work, so that what is in flight weighs little."""
    items = life.stretch.items
    edges = np.linspace(items[0], items[-1], STEPS + 1)
    step = np.clip(np.searchsorted(edges, items, side="right") - 1, 0, STEPS - 1)
    used = np.unique(step)

    def medians(values: Floats) -> Floats:
        return np.array([np.median(values[step == k]) for k in used])

    return Life(
        t=medians(life.t),
        tried=medians(life.tried),
        stretch=Stretch(items=medians(items), held=medians(life.stretch.held)),
        at_rest=False,
        source=life.source,
        ceiling=life.ceiling,
    )
