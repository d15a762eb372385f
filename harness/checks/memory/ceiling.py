"""A plateau is healthy only while items succeed: memory that stops at a ceiling, and items that fail there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.checks.memory.series import Life
from harness.checks.memory.verdict import RESIDENT

FAILING = 0.5
WORSE = 0.6
NEAR = 0.9
FLAT = 0.05
LATE = 0.1
LEAST_READINGS = 18


@dataclass(frozen=True)
class Capped:
    """Where the growth ended: after that many items tried, at that many bytes; the ceiling's name and limit where
    one was seen, and the share of items that succeed there."""

    tried: int
    level: float
    succeed: float
    ceiling: str
    limit: int | None


def capped(life: Life) -> Capped | None:
    """The ceiling that this life ended at; None where items go on as before, or memory goes on rising."""
    tried, held, items = life.tried, life.stretch.held, life.stretch.items
    if len(tried) < LEAST_READINGS or tried[-1] <= tried[0]:
        return None
    span = tried[-1] - tried[0]
    first, last = tried <= tried[0] + span / 2, tried >= tried[-1] - LATE * span
    if first.sum() < 2 or last.sum() < 3:
        return None
    before, after = _succeeding(life, first), _succeeding(life, last)
    if after > FAILING or after > WORSE * before:
        return None
    rose = float(held[last].max() - held.min())
    near = life.ceiling if life.ceiling and life.ceiling.used >= NEAR * life.ceiling.limit else None
    if np.ptp(held[last]) > max(RESIDENT.least, FLAT * rose) or not (near or rose >= RESIDENT.least):
        return None
    reached = int(np.argmax(items >= items[last][0]))
    return Capped(
        tried=int(tried[reached]),
        level=float(held[last].max()),
        succeed=after,
        ceiling=near.name if near else "",
        limit=near.limit if near else None,
    )


def _succeeding(life: Life, part: np.typing.NDArray[np.bool_]) -> float:
    tried = np.ptp(life.tried[part])
    return float(np.ptp(life.stretch.items[part]) / tried) if tried else 0.0
