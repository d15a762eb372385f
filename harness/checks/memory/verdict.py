"""One word for one stretch of memory over items, with its numbers and its reason.

    flat              no growth; `hidden` is the largest leak that could still be there
    saturating        it grew and levels off: a warm-up, a cache that fills
    growing           it grows, but too few items were seen to tell a leak from a cache that is still filling
    leak              it grows with every item and does not slow down
    allocator growth  the process grows while what lives in its heap does not: fragmentation
    capped            it stopped growing at a ceiling, and items fail there
    unsure            none of these can be told

Method: only the last half of the items counts. Growth is Theil-Sen's lower 99 % bound above zero and 256 KiB or more
over that half; a leak also has to stay above the bound for random walks (block increments) and must not slow down.
Where garbage makes memory swing, the peaks of the last three quarters are compared instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from harness.checks.memory.estimators import (
    BLOCKS,
    Bools,
    Floats,
    Increments,
    Slope,
    increments,
    theil_sen,
)
from harness.checks.memory.peaks import climb

Word = Literal["flat", "saturating", "growing", "leak", "allocator growth", "capped", "unsure"]

KIB = 1024
LEAST_POINTS = 2 * (BLOCKS + 1)
LEAST_ITEMS = 200
LEAK_ITEMS = 1000
SLOWING = 0.5
WARM_UP = 1024 * KIB
TOO_NOISY = 1024 * KIB
STEADY = 0.8  # a warm-up that slows down over the last half keeps less than 0.71 of its slope within the last quarter
LATE_RISE = 4  # times the least growth that counts
ROUGH = 0.2
NEWEST = 5


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """Memory read at checkpoints of one unbroken life of a service.

    items   that had succeeded, ascending
    held    bytes that no reclaim can take back
    live    bytes in use inside the heap, after garbage collection; None without the agent
    """

    items: Floats
    held: Floats
    live: Floats | None = None


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a stretch says.

    word, why     the word, and the reason in one sentence
    slope         bytes an item keeps (0 where nothing grows); `low` and `high` are its 95 % interval
    ahead         bytes an item to forecast with: without what a warm-up or garbage that piled up made of it
    hidden        bytes an item: the largest leak that would not have been noticed
    items         that had succeeded at the end; `level` the bytes held there, `start` at the beginning
    window        the items over which the slope was read
    source        "resident" or "live heap": which series decided
    """

    word: Word
    why: str
    slope: float = 0.0
    low: float = 0.0
    high: float = 0.0
    ahead: float = 0.0
    hidden: float = 0.0
    items: int = 0
    level: float = 0.0
    start: float = 0.0
    window: float = 0.0
    source: str = "resident"

    @property
    def grows(self) -> bool:
        """Whether what it costs an item is known and above zero."""
        return self.word in ("leak", "growing")

    def could_hold(self, items: float) -> float:
        """Bytes held after so many items, at worst: as it grows, or by a leak that could hide."""
        return self.level + max(self.hidden, self.high) * (items - self.items)


@dataclass(frozen=True)
class Kind:
    """What counts in a kind of series: the least growth in bytes, and the quantile of Student's t (7 degrees of
    freedom) by which its steps have to point upwards before a random walk is ruled out."""

    name: str
    least: float
    direction: float


RESIDENT = Kind("resident", 256 * KIB, 4.785)  # one-sided 99.9 %
LIVE_HEAP = Kind(
    "live heap", 128 * KIB, 7.063
)  # 99.99 %: it is nearly without noise, and fragmentation wanders in it


@dataclass(frozen=True)
class Trend:
    """The last half of a series: its slope read both ways, that of its older and its newer half, how far it went, and
    whether it slows down."""

    slope: Slope
    steps: Increments
    halves: tuple[float, float]
    span: float
    slows: bool
    kind: Kind

    @property
    def ahead(self) -> float:
        """Bytes an item to forecast with: the newer half's, where a warm-up or garbage made the older one steeper."""
        older, newer = self.halves
        return newer if newer < STEADY * older else self.steps.typical

    @property
    def growth(self) -> float:
        """Bytes by which it rose over the half."""
        return self.slope.value * self.span

    @property
    def rises(self) -> bool:
        """Whether there is growth beyond noise and beyond the least that counts."""
        return self.slope.low > 0 and self.growth >= self.kind.least

    @property
    def directed(self) -> bool:
        """Whether the rise has a direction, which that of a random walk has not."""
        return self.steps.above(self.kind.direction)

    @property
    def hidden(self) -> float:
        """Bytes an item: what would have passed for no growth."""
        uncertain = self.slope.high - self.slope.value
        return max(self.kind.least / self.span, self.slope.value) + uncertain


def read(stretch: Stretch) -> Reading:
    """The word for one stretch. Its facts about ceilings and kills are not known here: see `capped`."""
    stretch = _once_an_item(stretch)
    items, held = stretch.items, stretch.held
    half = items >= (items[0] + items[-1]) / 2 if len(items) else np.array([], dtype=bool)
    if len(items) < LEAST_POINTS or _span(items) < LEAST_ITEMS or half.sum() <= BLOCKS:
        return _too_few(stretch)
    resident = trend(items[half], held[half], RESIDENT)
    if resident.rises and resident.slows and stretch.live is None:
        resident = _still_rising(items, held, RESIDENT) or resident
    word, why, by = _word(stretch, half, resident)
    if word in ("unsure", "saturating") and stretch.live is None and items[-1] - items[0] >= LEAK_ITEMS:
        climbing = _peaks_climb(stretch, resident)
        if climbing is not None:
            return climbing
    grows = word in ("leak", "growing", "allocator growth")
    return Reading(
        word=word,
        why=why,
        slope=by.slope.value if grows else 0.0,
        low=max(0.0, min(by.slope.value, by.ahead, by.steps.mean - by.steps.spread)) if grows else 0.0,
        high=max(by.slope.value, by.steps.mean + by.steps.spread) if grows else 0.0,
        ahead=by.ahead if grows else 0.0,
        hidden=by.hidden,
        items=int(items[-1]),
        level=level(items[half], held[half], resident.slope.value),
        start=float(held[0]),
        window=by.span,
        source=by.kind.name,
    )


def _peaks_climb(stretch: Stretch, tail: Trend) -> Reading | None:
    """A leak under memory that swings, by its peaks; None where they do not climb all the way."""
    late = stretch.items >= stretch.items[0] + (stretch.items[-1] - stretch.items[0]) / 4
    x, y = stretch.items[late], stretch.held[late]
    climbed = climb(x, y, float(stretch.held[0]), _span(stretch.items))
    if climbed is None:
        return None
    first, second = climbed
    by_peaks, by_all = (first + second) * 1.5 / (x[-1] - x[0]), theil_sen(x, y).value
    return Reading(
        word="leak",
        why=f"it swings, and its peaks climb: by {first / KIB:,.0f} KiB and then {second / KIB:,.0f} KiB",
        slope=by_peaks,
        low=(1 - ROUGH) * min(by_peaks, by_all),
        high=(1 + ROUGH) * max(by_peaks, by_all),
        ahead=by_peaks,  # what swings meets its limit with a peak
        hidden=tail.hidden,
        items=int(stretch.items[-1]),
        level=float(y[-(len(y) // 3) :].max()),
        start=float(stretch.held[0]),
        window=float(x[-1] - x[0]),
    )


def trend(x: Floats, y: Floats, kind: Kind, slowing: float = SLOWING) -> Trend:
    """The trend of a stretch (items, bytes). It slows down where its second half has less than `slowing` of the slope
    of its first."""
    middle = len(x) // 2
    halves = theil_sen(x[:middle], y[:middle]).value, theil_sen(x[middle:], y[middle:]).value
    slows = halves[1] < slowing * halves[0]
    return Trend(theil_sen(x, y), increments(x, y), halves, float(x[-1] - x[0]), slows, kind)


def level(x: Floats, y: Floats, slope: float) -> float:
    """Bytes held at the last item: the newest readings, carried there along the slope."""
    newest = slice(-NEWEST, None)
    return float(np.median(y[newest] + slope * (x[-1] - x[newest])))


def _word(stretch: Stretch, half: Bools, resident: Trend) -> tuple[Word, str, Trend]:
    if stretch.live is None:
        return (*_of(stretch.items, stretch.held, resident), resident)
    live = trend(stretch.items[half], stretch.live[half], LIVE_HEAP)
    word, why = _of(stretch.items, stretch.live, live)
    long_enough = stretch.items[-1] - stretch.items[0] >= LEAK_ITEMS
    calm = word in ("flat", "saturating") and not live.rises
    if calm and long_enough and resident.rises and resident.directed and not resident.slows:
        why = (
            f"the process grows by {resident.slope.value:,.0f} B an item while what lives in its heap does not:"
            " the allocator keeps what the program gave back"
        )
        return "allocator growth", why, resident
    return word, why, live


def _still_rising(items: Floats, series: Floats, kind: Kind) -> Trend | None:
    """The trend of the last quarter, where it lies wholly above all before it and rises on by itself without slowing
    down: a leak below a heap that grew in a jump, as those of Node and the JVM do. None where it is not so."""
    late = items >= items[-1] - (items[-1] - items[0]) / 4
    if late.sum() <= BLOCKS or series[late].min() < series[~late].max():
        return None
    found = trend(items[late], series[late], kind, slowing=STEADY)
    rises = found.rises and found.directed and not found.slows and found.growth >= LATE_RISE * kind.least
    return found if rises else None


def _of(items: Floats, series: Floats, tail: Trend) -> tuple[Word, str]:
    """The word for one series by itself."""
    rose = tail.growth / KIB
    if tail.rises and tail.slows:
        return "saturating", f"{rose:,.0f} KiB more in the last half of the items, and it slows down"
    if tail.rises and not tail.directed:
        return "unsure", f"{rose:,.0f} KiB more in the last half, but as a random walk would wander"
    if tail.rises and items[-1] - items[0] < LEAK_ITEMS:
        few = f"{items[-1] - items[0]:,.0f} items do not tell a leak from a cache that is still filling"
        return "growing", f"{rose:,.0f} KiB more in the last half; {few}"
    if tail.rises:
        return "leak", f"{rose:,.0f} KiB more in the last half of the items, and it does not slow down"
    if tail.slope.high * tail.span > TOO_NOISY:
        most = tail.slope.high * tail.span / KIB
        return "unsure", f"the readings scatter: {most:,.0f} KiB of growth in the last half could hide"
    if float(series[len(series) // 2 :].mean() - series[0]) >= WARM_UP:
        return "saturating", "it grew at first and stays where it is in the last half of the items"
    return "flat", "no growth in the last half of the items"


def _too_few(stretch: Stretch) -> Reading:
    """Unsure, with all that it rose as what could hide."""
    items, held = stretch.items, stretch.held
    why = (
        f"{len(items)} readings over {_span(items):,.0f} items: {LEAST_POINTS} over {LEAST_ITEMS} are needed"
    )
    if not _span(items):
        return Reading(word="unsure", why=why)
    rose = max(RESIDENT.least, float(held.max() - held[0]))
    return Reading(
        word="unsure",
        why=why,
        hidden=rose / _span(items),
        items=int(items[-1]),
        level=float(held[-1]),
        start=float(held[0]),
    )


def _once_an_item(stretch: Stretch) -> Stretch:
    """The newest reading for each number of items: where none succeeds, there is nothing to set growth against."""
    newest = np.append(np.diff(stretch.items) > 0, True)[: len(stretch.items)]
    live = None if stretch.live is None else stretch.live[newest]
    return Stretch(items=stretch.items[newest], held=stretch.held[newest], live=live)


def _span(items: Floats) -> float:
    return float(items[-1] - items[0]) if len(items) else 0.0
