"""Which line keeps memory: sites ranked by the lower bound of their slope over items.

The point estimate would put lines first whose garbage waits for its collector; their lower bound lies below zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.checks.memory.estimators import BLOCKS, increments
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
    rows = [i for i, name in enumerate(table.get("service", ())) if name == service]
    found = []
    for row in rows:
        x, kept = np.array(table["items"][row], dtype=float), np.array(table["bytes"][row], dtype=float)
        moving = np.concatenate([[True], np.diff(x) > 0])
        if moving.sum() <= 2 * BLOCKS:
            continue
        steps = increments(x[moving], kept[moving])
        low = steps.mean - SURE * steps.error
        if low < LEAST:
            continue
        count = increments(x[moving], np.array(table["count"][row], dtype=float)[moving]).mean
        place = f"{'/'.join(table['file'][row].split('/')[-3:])}:{table['line'][row]}"
        found.append(Site(place, table["function"][row], steps.mean, low, count))
    return sorted(found, key=lambda site: -site.low)
