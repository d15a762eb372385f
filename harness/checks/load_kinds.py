"""The sentences around what load shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from harness.checks.showing import again
from harness.model.events import NotSeen
from harness.model.finding import SEVERITIES, Finding, Severity, fingerprint
from harness.model.load import LoadPlayed
from harness.model.record import Record

WHY = {
    "LOAD-001": (
        "So many requests at once are more than it takes, whoever sends them.",
        "Let the batch call with fewer at once, give the service more workers, or let the batch wait and try again.",
    ),
    "LOAD-002": (
        "More requests at once only wait longer.",
        "More concurrency in the batch does not make it quicker: give the service more workers, or send less to it.",
    ),
    "LOAD-003": (
        "The batch takes what other users need as well: workers, connections, locks, CPU.",
        "Let the batch work on fewer at once, or at another hour, or give it workers of its own.",
    ),
    "LOAD-004": (
        "The requests come faster than they can be taken, or the service refuses some users.",
        "See the statuses in the table of the run. Send with fewer at once, and send again what was refused.",
    ),
}
"""The cause and the advice of each code."""


def finding(record: Record, played: LoadPlayed, code: str, severity: Severity, title: str) -> Finding:
    """A finding of this load, without its evidence."""
    cause, advice = WHY[code]
    return Finding(
        code=code,
        id=fingerprint(code, played.service, played.what),
        severity=severity,
        title=title[:80],
        service=played.service,
        cause=cause,
        advice=advice,
        reproduce=again(record, "--scales", str(played.scale or 1), "--probes", "load"),
    )


def once(seen: Iterable[Finding | NotSeen]) -> Iterator[Finding | NotSeen]:
    """Each finding once, however many scales show it: the heaviest, the last of these, with the counts of all."""
    found: dict[str, Finding] = {}
    for one in seen:
        if isinstance(one, NotSeen):
            yield one
            continue
        before = found.get(one.id, one)
        heavier = SEVERITIES.index(one.severity) <= SEVERITIES.index(before.severity)
        found[one.id] = replace(one if heavier else before, counts={**before.counts, **one.counts})
    yield from found.values()
