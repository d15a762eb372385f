"""How what was found about memory is told: evidence, the user it concerns, and what to set or watch."""

from __future__ import annotations

from harness.checks.memory.ahead import Ahead, ahead
from harness.checks.memory.ceiling import Capped
from harness.checks.memory.recipes import recipe
from harness.checks.memory.sites import Site, ranked
from harness.checks.memory.story import Story
from harness.checks.memory.verdict import Reading
from harness.checks.showing import at_scales
from harness.model.events import ScaleDone, ServiceEnded
from harness.model.finding import BreaksAt, Evidence, Finding, Severity, fingerprint
from harness.model.growth import RanIntoLimit
from harness.model.record import Record

MIB, KIB = 2**20, 1024
HEADROOM = 1.2
ALARM = 0.8
MOST_SITES = 3
SOURCES = {
    "exec": "read by a loop inside the container: this machine does not see its memory files",
    "side-car": "read by a loop in a container beside it: this machine does not see its memory files",
    "stats": "read from the engine's statistics: of low resolution",
    "metrics": "told by the service itself: what is resident, with mapped files",
}


def growth(record: Record, found: Story, top: ScaleDone) -> Finding:
    """MEM-001: it keeps some bytes of every item; the user at whom its limit is reached."""
    reading, limit = found.told.reading, found.service.memory_limit
    way = ahead(found)
    assert way is not None
    evidence = [*_seen(found, reading), _forecast_evidence(way)]
    breaks_at = _where_it_breaks(way, found)
    if found.killed:
        evidence.append(_kill(found.killed))
    if found.confirmed:
        evidence.append(_confirmation(found.confirmed))
    sites = ranked(record, found.service.name)
    evidence += [_site(site) for site in sites[:MOST_SITES]]
    told = recipe(found.runtime, named=bool(sites))
    evidence += [Evidence("recipe", f"{found.runtime}: {told}")] if told else []
    where = f"; full at user {breaks_at.users:,}" if breaks_at.users is not None else ""
    needed = (reading.level + reading.high * max(0.0, top.users / way.each - reading.items)) * HEADROOM
    cause = "its memory grows with each item and is not given back"
    look = "Look for a list or cache that only grows."
    if sites:
        cause = f"{sites[0].function} ({sites[0].place}) keeps memory of each item and does not give it back"
        look = f"Look at {sites[0].place}: a list or cache there only grows."
    if reading.word == "growing":
        cause = "a leak, or a cache that is still filling: so few items do not tell which"
    return Finding(
        code="MEM-001",
        id=fingerprint("MEM-001", found.service.name),
        severity=_severity(breaks_at.users, top.users, reading),
        title=f"{found.service.name} keeps {reading.slope / KIB:,.1f} KiB per user{where}"[:80],
        service=found.service.name,
        breaks_at=breaks_at,
        counts={f"{s.series.scale}x": int(s.reading.slope) for s in found.scales if s.reading.grows},
        evidence=evidence,
        cause=cause,
        advice=f"{look} {_until_then(needed, limit, top.users)}",
        config_key="memory limit",
        reproduce=at_scales(record, found.told.series.scale),
    )


def _until_then(needed: float, limit: int, users: int) -> str:
    """What to set and watch while it leaks; so many users need `needed` bytes, with some in reserve."""
    alarm = _alarm(max(needed, limit))
    if needed <= limit:
        return f"Its {limit / MIB:,.0f} MiB last for {users:,} users: until then restart it before each run, {alarm}."
    raised = f"raise its limit to {needed / MIB:,.0f} MiB for {users:,} users"
    return f"Until then {raised}, and restart it before each run, {alarm}."


def _alarm(limit: float) -> str:
    return f"with an alarm at {ALARM * limit / MIB:,.0f} MiB"


def _where_it_breaks(way: Ahead, found: Story) -> BreaksAt:
    """Where the limit was seen to be reached, else where it is foretold."""
    interval = (way.users(way.low), way.users(way.high))
    limit = found.service.memory_limit
    if found.killed:
        users = found.killed.done + found.killed.failed
        how = "seen: killed by the kernel for its memory; the interval is the forecast's"
        return BreaksAt(
            users=users, value=limit, unit="bytes", first_failing=users, interval=interval, method=how
        )
    users_then = None if way.item is None else way.users(way.item)
    how = f"forecast from the last half of {way.scale}x; {way.seen:.0%} of the way was seen"
    return BreaksAt(users=users_then, value=limit, unit="bytes", interval=interval, method=how)


def ceiling(record: Record, found: Story, at: Capped) -> Finding:
    """MEM-002: growth ends at a ceiling, the service lives on, and items fail."""
    name, limit = found.service.name, found.service.memory_limit
    what = f"{at.ceiling} of {at.limit / MIB:,.0f} MiB" if at.limit else "a ceiling that was not seen itself"
    return Finding(
        code="MEM-002",
        id=fingerprint("MEM-002", name),
        severity="high",
        title=f"{name} stops at a memory ceiling and fails from user {at.tried:,}"[:80],
        service=name,
        breaks_at=BreaksAt(
            users=at.tried,
            value=at.limit,
            unit="bytes",
            first_failing=at.tried,
            method="seen: memory stops rising and items begin to fail",
        ),
        evidence=[
            *_seen(found, found.told.reading),
            Evidence(
                "memory",
                f"{at.level / MIB:,.1f} MiB from user {at.tried:,} on, {at.level / limit:.0%} of the container's"
                f" limit; {at.succeed:.0%} of the items succeed there",
            ),
            Evidence("memory", f"the ceiling: {what}"),
        ],
        cause="the process may not take more memory, and answers items with errors instead of ending",
        advice="Find what grows: the flat line is no health. Until then raise that ceiling to the container's limit,"
        f" {_alarm(at.limit or at.level)}.",
        config_key=at.ceiling,
        reproduce=at_scales(record, found.told.series.scale),
    )


def workers(record: Record, found: Story) -> Finding:
    """MEM-003: the kernel kills processes in it for memory, and the service as a whole looks alive."""
    name, limit = found.service.name, found.service.memory_limit
    return Finding(
        code="MEM-003",
        id=fingerprint("MEM-003", name),
        severity="high",
        title=f"{name}: the kernel kills its processes for memory, and it looks alive"[:80],
        service=name,
        breaks_at=BreaksAt(
            users=found.first_kill,
            value=limit,
            unit="bytes",
            first_failing=found.first_kill,
            method="seen: the kernel's kill counter",
        ),
        counts={f"{s.series.scale}x": s.series.kills for s in found.scales if s.series.kills},
        evidence=[
            Evidence(
                "engine",
                f"the kernel killed {found.kills:,} of its processes; the container itself did not end",
            ),
            *_seen(found, found.told.reading),
        ],
        cause="a master starts a new worker for each that is killed: items in flight are lost each time, and neither"
        " the container's state nor its restart count tells",
        advice="Give the workers more memory, or have fewer. Watch the group's oom_kill counter, not OOMKilled,"
        f" {_alarm(limit)}.",
        config_key="memory limit",
        reproduce=at_scales(record, found.told.series.scale),
    )


def killed(record: Record, found: Story) -> Finding:
    """MEM-003 as well: killed for memory, and no growth over items explains it."""
    assert found.killed is not None
    name, users = found.service.name, found.killed.done + found.killed.failed
    return Finding(
        code="MEM-003",
        id=fingerprint("MEM-003", name),
        severity="high",
        title=f"{name} is killed by the kernel for its memory at user {users:,}"[:80],
        service=name,
        breaks_at=BreaksAt(
            users=users,
            value=found.service.memory_limit,
            unit="bytes",
            first_failing=users,
            method="seen: killed by the kernel for its memory",
        ),
        evidence=[_kill(found.killed), Evidence("memory", found.told.reading.why)],
        cause="it needs more memory than its limit at one moment, or grew too fast to be measured",
        advice="Raise the limit, or send it less at a time; rehearse a smaller scale to see what an item costs."
        f" Until then watch it {_alarm(found.service.memory_limit)}.",
        config_key="memory limit",
        reproduce=at_scales(record, found.told.series.scale),
    )


def _seen(found: Story, reading: Reading) -> list[Evidence]:
    keeps = (
        f"{reading.slope / KIB:,.1f} KiB an item (95 % interval {reading.low / KIB:,.1f} to"
        f" {reading.high / KIB:,.1f}, {reading.source})"
        if reading.grows
        else f"{reading.word}; a leak of up to {reading.hidden / KIB:,.1f} KiB an item could hide,"
    )
    told = [
        Evidence(
            "memory",
            f"{keeps} over {reading.items:,} items at {found.told.series.scale}x, n = {len(found.told.life.t)}"
            f" readings {'at rest' if found.told.life.at_rest else 'in passing'}, {found.told.how}: {reading.why}",
        ),
        Evidence(
            "memory",
            f"{reading.level / MIB:,.0f} MiB held at the end, limit {found.service.memory_limit / MIB:,.0f} MiB",
        ),
    ]
    if found.two_scales is not None:
        told.append(
            Evidence("memory", f"{found.two_scales / KIB:,.1f} KiB an item between two scales, each fresh")
        )
    if found.told.life.source in SOURCES:
        told.append(Evidence("memory", SOURCES[found.told.life.source]))
    return told


def _forecast_evidence(way: Ahead) -> Evidence:
    low, high = way.users(way.low), way.users(way.high)
    if way.item is None:
        return Evidence("memory", f"no forecast: too little of the way was seen; not before user {low:,}")
    sure = "" if way.sure else "; less than half the way was seen, so the interval is widened"
    at = f"user {way.users(way.item):,} ({low:,} to {high:,})"
    return Evidence("memory", f"forecast from {way.scale}x: the limit is reached at {at}{sure}")


def _site(site: Site) -> Evidence:
    text = f"{site.place} {site.function}: {site.slope:,.0f} B and {site.count:.2f} allocations an item stay"
    return Evidence("capture", f"{text} (surely {site.low:,.0f} B or more)")


def _kill(end: ServiceEnded) -> Evidence:
    users = end.done + end.failed
    return Evidence(
        "engine", f"killed by the kernel at {end.scale}x after {end.done:,} items (user {users:,})"
    )


def _confirmation(run: RanIntoLimit) -> Evidence:
    item, low, high = run.foretold
    foretold = f"foretold from {run.scale}x: item {item:,.0f} ({low:,.0f} to {high:,.0f})"
    if not run.seen_by:
        text = f"a real run with the limit: not killed by item {run.items:,}; {foretold}"
        return Evidence("engine", f"{text}: the forecast does not hold" if run.items > high else text)
    inside = "inside" if low <= run.items <= high else "outside"
    text = f"a real run into the limit: killed after item {run.items:,}, seen by {', '.join(run.seen_by)}"
    return Evidence(
        "engine", f"{text}; {foretold}: {item / max(1, run.items) - 1:+.1%}, {inside} the interval"
    )


def _severity(users: int | None, rehearsed: int, reading: Reading) -> Severity:
    if users is not None and users <= rehearsed:
        return "high"
    if reading.word == "leak" and users is not None and users <= 10 * rehearsed:
        return "medium"
    return "low" if reading.word == "leak" else "info"
