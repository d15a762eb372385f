"""What lies ahead of a service that grows: when its limit is reached, by a run that did not meet it."""

from __future__ import annotations

from dataclasses import dataclass

from harness.checks.memory.forecast import HALF, forecast
from harness.checks.memory.story import Story


@dataclass(frozen=True, kw_only=True)
class Ahead:
    """The successful item at which `limit` is reached (None: too little of the way was seen), its interval, the share
    of the way that was seen, the scale that tells it, and how many users are tried for one item that succeeds."""

    item: float | None
    low: float
    high: float
    seen: float
    limit: int
    scale: int
    each: float

    @property
    def sure(self) -> bool:
        """Whether at least half the way was seen."""
        return self.seen >= HALF

    def users(self, item: float) -> int:
        """The user at whom so many items have succeeded."""
        return round(item * self.each)


def ahead(found: Story) -> Ahead | None:
    """From the largest scale that shows growth and was not cut short by a kill, else from the one that decides; None
    where it does not grow."""
    killed = found.killed.scale if found.killed else None
    whole = [each for each in found.scales if each.reading.grows and each.series.scale != killed]
    told = whole[-1] if whole else found.told
    if not told.reading.grows:
        return None
    way = forecast(told.reading, found.service.memory_limit)
    done, tried = told.life.stretch.items[-1], told.life.tried[-1]
    return Ahead(
        item=way.item,
        low=way.low,
        high=way.high,
        seen=way.seen,
        limit=found.service.memory_limit,
        scale=told.series.scale,
        each=float(tried / done) if done else 1.0,
    )
