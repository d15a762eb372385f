"""At which item a limit is reached, from a run that did not come so far."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from harness.checks.memory.verdict import Reading

HALF, TOO_FAR = 0.5, 0.1
WIDER = 0.10
APART = 0.016
"""Kills of one and the same service were measured to lie up to so far apart: no interval is narrower."""


@dataclass(frozen=True)
class Forecast:
    """The item at which the limit is reached, its interval, and the share of the way to it that was seen.
    `item` is None where less than a tenth was seen: only `low`, the earliest, is then told."""

    item: float | None
    low: float
    high: float
    seen: float


def forecast(reading: Reading, limit: float) -> Forecast:
    """From a reading that grows. The interval is never narrower than kills of one service lie apart; below half
    the way it is wider by a tenth of what is ahead."""

    def at(slope: float) -> float:  # where no limit was enforced it may lie behind: within the run
        return max(0.0, reading.items + (limit - reading.level) / slope)

    item = at(reading.ahead)
    seen = min(1.0, reading.items / item) if item else 1.0
    slack = APART * item + (0.0 if seen >= HALF else WIDER * (item - reading.items))
    wider = _for_what_is_to_come(reading, item)
    least = reading.ahead - wider * (reading.ahead - reading.low)
    most = reading.ahead + wider * (reading.high - reading.ahead)
    low, high = sorted((at(most), at(max(least, reading.ahead / 10))))
    if seen < TOO_FAR:
        return Forecast(None, low - slack, high + slack, seen)
    return Forecast(item, min(low - slack, item), max(high + slack, item), seen)


def _for_what_is_to_come(reading: Reading, item: float) -> float:
    """By how much an interval for the items that come is wider than one for the slope itself: where items differ in
    size, those that were seen leave the slope uncertain, and those to come will not be average either."""
    ahead = item - reading.items
    return sqrt(1 + reading.window / ahead) if ahead > 0 else 1.0
