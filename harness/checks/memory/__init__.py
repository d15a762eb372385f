"""Memory that grows with the items: one word a service, what an item costs, and the user at whom a limit is reached.

MEM-001 is the growth itself, MEM-002 a ceiling at which growth ends and items fail, MEM-003 a process that the
kernel kills for memory while the service looks alive. What stays undecided is told as not checked, with the largest
leak that could hide.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.memory import findings
from harness.checks.memory.ahead import Ahead
from harness.checks.memory.ahead import ahead as ahead_of
from harness.checks.memory.story import Story, stories
from harness.checks.memory.verdict import LEAK_ITEMS, LEAST_ITEMS, Word
from harness.model.events import NotSeen, ScaleDone
from harness.model.finding import Finding
from harness.model.record import Record

__all__ = ["LEAK_ITEMS", "ahead", "check", "growing", "undecided", "words"]

STOPPED_EARLY = 0.8
REACH = 10  # times the users that were rehearsed: what fills the limit only beyond them may stay undecided


def check(record: Record) -> Iterator[Finding | NotSeen]:
    """MEM-001, MEM-002 and MEM-003 for each service, and what could not be told."""
    scales = sorted(record.all(ScaleDone), key=lambda done: done.scale)
    if not scales:
        return
    for service in record.manifest.services:
        found = record.once(stories).get(service.name)
        if scales[-1].users < LEAST_ITEMS:
            why = f"unsure: {scales[-1].users} users do not tell growth from a start, {LEAST_ITEMS} or more would"
            yield NotSeen(probe=f"memory growth of {service.name}", why=why, decisive=False)
            if found and found.kills:  # the kernel's counter needs no series
                yield findings.workers(record, found)
            continue
        if found is None:
            why = "not one reading of it lies beside an item: no word can be said"
            yield NotSeen(
                probe=f"memory growth of {service.name}",
                why=why,
                decisive=_was_sampled(record, service.name),
            )
            continue
        if found.told.capped:
            yield findings.ceiling(record, found, found.told.capped)
        elif found.told.reading.grows:
            yield findings.growth(record, found, scales[-1])
        elif found.killed:
            yield findings.killed(record, found)
        if found.kills:
            yield findings.workers(record, found)
        yield from _unsure(record, found, scales[-1])


def growing(record: Record) -> dict[str, float]:
    """The services that grow, with bytes an item: those whose lines are worth a second run."""
    told = record.once(stories)
    return {name: each.told.reading.slope for name, each in told.items() if each.told.reading.grows}


def ahead(record: Record) -> dict[str, Ahead]:
    """For each service that grows, when its limit is reached."""
    return {name: way for name, each in record.once(stories).items() if (way := ahead_of(each))}


def undecided(record: Record) -> list[str]:
    """The services that more items would tell more of: those in which a leak could hide, or a cache could look like
    one, that fills the limit within ten times the users rehearsed."""
    users = max((done.users for done in record.all(ScaleDone)), default=0)
    if users < LEAST_ITEMS:
        return []
    return [name for name, each in record.once(stories).items() if _is_open(record, each, REACH * users)]


def _is_open(record: Record, found: Story, users: int) -> bool:
    reading = found.told.reading
    if found.killed or _read_share(record, found) < STOPPED_EARLY:
        return False
    doubtful = word(record, found) in ("unsure", "growing", "saturating")
    return doubtful and reading.could_hold(users) > found.service.memory_limit


def words(record: Record) -> dict[str, str]:
    """For each service its word, with the largest leak that could hide where none was seen."""
    return {f"memory of {name}": _sentence(record, found) for name, found in record.once(stories).items()}


def word(record: Record, found: Story) -> Word:
    """The word of a whole story: a plateau under failing items is no healthy one, nor is one that was left unseen."""
    if found.told.capped or found.kills:
        return "capped"
    if not found.told.reading.grows and _read_share(record, found) < STOPPED_EARLY:
        return "unsure"
    return found.told.reading.word


def _read_share(record: Record, found: Story) -> float:
    """The share of the items of the deciding scale that lie before the last reading."""
    told = found.told.series
    items = max(record.table(f"progress-{told.scale}").get("done", ()), default=0)
    last = max(float(life.stretch.items[-1]) for life in told.lives)
    return min(1.0, last / items) if items else 1.0


def _sentence(record: Record, found: Story) -> str:
    reading, said, how = found.told.reading, word(record, found), found.told.how
    if reading.grows and said != "capped":
        return f"{said}: {reading.slope:,.0f} B an item ({reading.low:,.0f} to {reading.high:,.0f}); {how}"
    if said == "capped" or not reading.hidden:
        return f"{said}; {how}"
    ahead = max(0.0, found.service.memory_limit - reading.level) / reading.hidden
    hides = f"a leak of up to {reading.hidden:,.0f} B an item could hide"
    return f"{said}; {hides}, which fills its limit after {reading.items + ahead:,.0f} items; {how}"


def _unsure(record: Record, found: Story, top: ScaleDone) -> Iterator[NotSeen]:
    """What stays open. It decides the verdict where a leak that could hide would fill the limit in this rehearsal."""
    reading, name = found.told.reading, found.service.name
    if _read_share(record, found) < STOPPED_EARLY and not found.killed:
        share, scale = _read_share(record, found), found.told.series.scale
        why = f"its memory could be read for the first {share:.0%} of the items of {scale}x only"
        yield NotSeen(probe=f"memory growth of {name}", why=why)
        return
    fills = reading.could_hold(top.users) > found.service.memory_limit
    slowing = word(record, found) == "saturating" and fills
    if slowing or word(record, found) in ("unsure", "allocator growth"):
        hides = f"; a leak of up to {reading.hidden:,.0f} B an item could hide" if reading.hidden else ""
        tells = (
            "a larger scale"
            if found.told.life.stretch.live is not None
            else "a larger scale or the memory agent"
        )
        why = f"{word(record, found)}: {reading.why}{hides}; {tells} tells"
        yield NotSeen(probe=f"memory growth of {name}", why=why, decisive=bool(reading.hidden) and fills)


def _was_sampled(record: Record, service: str) -> bool:
    """Whether there are readings at all; where not, the sampler has said so by itself."""
    tables = (record.table(f"memory-{done.scale}") for done in record.all(ScaleDone))
    return any(service in table.get("service", ()) for table in tables)
