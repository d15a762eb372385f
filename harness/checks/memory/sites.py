"""Which line keeps memory: sites ranked by the lower bound of their slope over items.

The point estimate would put lines first whose garbage waits for its collector; their lower bound lies below zero.
Both what is alive and what outlives the window have to grow, and must not slow down: a cache that fills does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.checks.memory.estimators import BLOCKS, increments, theil_sen
from harness.checks.memory.verdict import SLOWING
from harness.model.record import Record

SURE = 2.998  # Student's t for 7 degrees of freedom, one-sided 99 %
LEAST = 1.0


@dataclass(frozen=True)
class Site:
    """A line that keeps memory: bytes an item with the lower 99 % bound, and allocations an item."""

    place: str
    function: str
    slope: float
    low: float
    count: float


def ranked(record: Record, service: str) -> list[Site]:
    """The sites of a service whose memory surely grows with the items, the surest first."""
    table = record.table("sites")
    rows = [dict(zip(table, values, strict=True)) for values in zip(*table.values(), strict=True)]
    return rank([row for row in rows if row["service"] == service])


def rank(rows: Iterable[Mapping[str, Any]]) -> list[Site]:
    """Ranks rows of table `sites`."""
    sites = [site for row in rows if (site := _site(row))]
    return sorted(sites, key=lambda site: -site.low)


def _site(row: Mapping[str, Any]) -> Site | None:
    """One site, or None where it does not surely grow."""
    x = np.array(row["items"], dtype=float)
    moving = np.concatenate([[True], np.diff(x) > 0])
    if moving.sum() <= 2 * BLOCKS:
        return None
    x = x[moving]
    alive, kept, count = (np.array(row[name], dtype=float)[moving] for name in ("bytes", "kept", "count"))
    middle = len(x) // 2
    slows = (
        theil_sen(x[middle:], alive[middle:]).value < SLOWING * theil_sen(x[:middle], alive[:middle]).value
    )
    steps = [increments(x, alive), increments(x, kept)]
    low = min(step.mean - SURE * step.error for step in steps)
    if low < LEAST or slows:
        return None
    place = f"{'/'.join(row['file'].split('/')[-3:])}:{row['line']}"
    return Site(place, row["function"], steps[1].mean, low, increments(x, count).mean)
