"""What one service's memory did over all scales: the word to report, and whether two scales agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.checks.memory.ceiling import Capped, capped
from harness.checks.memory.series import Life, ScaleSeries, scale_series
from harness.checks.memory.verdict import Reading, read
from harness.model.events import ScaleDone, ServiceEnded
from harness.model.growth import FedOn, RanIntoLimit
from harness.model.record import Record, ServiceFacts

AGREES = 0.5
LEAST_SMALL = 400
COLLECTS_LATE, LATE_ITEMS = ("node", "jvm"), 3000


@dataclass(frozen=True, kw_only=True)
class AtScale:
    """One scale of the story: its series, the longest life in it, the word, and the ceiling where one was hit."""

    series: ScaleSeries
    life: Life
    reading: Reading
    capped: Capped | None

    @property
    def how(self) -> str:
        """Whether the memory agent looked from inside."""
        return "black box" if self.life.stretch.live is None else "with the memory agent"


@dataclass(frozen=True, kw_only=True)
class Story:
    """A service's memory over the scales, ascending.

    told        the scale that decides: the largest, or where a kill cut that one short, the last that shows growth
    two_scales  bytes an item between two scales, each on a fresh stage; None where no two can be compared
    killed      how the kernel ended the service for its memory, where it did
    runtime     what it runs on, as far as that was seen
    confirmed   the real run into its limit, where there was one
    kills       processes in it that the kernel killed for memory while the service as a whole went on
    """

    service: ServiceFacts
    scales: Sequence[AtScale]
    told: AtScale
    two_scales: float | None
    killed: ServiceEnded | None
    confirmed: RanIntoLimit | None
    runtime: str
    kills: int

    @property
    def first_kill(self) -> int | None:
        """The user by whom the kernel had first killed a process in it, at the smallest scale where it did."""
        lives = next((each.series.lives for each in self.scales if each.series.kills), ())
        return int(lives[0].tried[-1]) if len(lives) > 1 else None


def stories(record: Record) -> dict[str, Story]:
    """The story of each service of which something could be read, by name."""
    told = {service.name: story(record, service) for service in record.manifest.services}
    return {name: found for name, found in told.items() if found is not None}


def story(record: Record, service: ServiceFacts) -> Story | None:
    """The story of one service; None where nothing of it could be read."""
    scales = []
    ends = [end for end in record.all(ServiceEnded) if end.service == service.name and end.oom_killed]
    seen: list[ScaleDone | FedOn] = [*record.all(ScaleDone), *record.all(FedOn)]
    for done in sorted(seen, key=lambda done: done.scale):
        series = scale_series(record, done.scale, service.name)
        life = series.longest if series else None
        if series and life:
            runtime = "" if ends else _runtime(record, done.scale, service.name)
            reading = collected(read(life.stretch), runtime)
            scales.append(AtScale(series=series, life=life, reading=reading, capped=capped(life)))
    if not scales:
        return None
    told = scales[-1]
    if ends and not told.reading.grows:
        told = next((each for each in reversed(scales) if each.reading.grows), told)
    two = two_scales(scales)
    if told.reading.word == "leak" and two is not None and two < AGREES * told.reading.slope:
        why = f"{told.reading.why}; but between two scales it is {two:,.0f} B an item"
        told = replace(told, reading=replace(told.reading, word="unsure", why=why))
    return Story(
        service=service,
        scales=scales,
        told=told,
        two_scales=two,
        killed=min(ends, key=lambda end: end.done + end.failed, default=None),
        confirmed=next((run for run in record.all(RanIntoLimit) if run.service == service.name), None),
        runtime=_runtime(record, told.series.scale, service.name),
        kills=max(0, sum(each.series.kills for each in scales) - len(ends)),
    )


def collected(reading: Reading, runtime: str) -> Reading:
    """The reading, or unsure where it grows under a runtime that puts its first full collection off: a healthy heap
    then looks like a leak for some thousand items. What could hide tells whether more users are worth it."""
    if runtime not in COLLECTS_LATE or not reading.grows or reading.items >= LATE_ITEMS:
        return reading
    late = f"{runtime} collects late, and {LATE_ITEMS:,} items tell its heap from a leak"
    hidden = max(reading.hidden, reading.high)
    return replace(reading, word="unsure", why=f"{reading.why}; but {late}", hidden=hidden)


def _runtime(record: Record, scale: int, service: str) -> str:
    ends = record.table(f"memory-ends-{scale}")
    told = dict(zip(ends.get("service", ()), ends.get("runtime", ()), strict=True))
    return str(told.get(service, ""))


def two_scales(scales: Sequence[AtScale]) -> float | None:
    """Bytes an item by which the largest scale rose more than the smallest that is large enough to be warm."""
    whole = [each for each in scales if len(each.series.lives) == 1 and each.reading.items >= LEAST_SMALL]
    if len(whole) < 2 or whole[-1].reading.items < 2 * whole[0].reading.items:
        return None
    small, large = whole[0].reading, whole[-1].reading
    return ((large.level - large.start) - (small.level - small.start)) / (large.items - small.items)
