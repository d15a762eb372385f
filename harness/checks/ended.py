"""Services that ended by themselves while they were needed, where no growth of memory tells of it already."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks import memory
from harness.checks.ledger import SHOWN
from harness.checks.showing import at_scales
from harness.model.events import NotSeen, ServiceEnded
from harness.model.finding import Evidence, Finding, fingerprint
from harness.model.record import Record

MIB = 2**20
ALARM = 0.8


def check(record: Record) -> Iterator[Finding | NotSeen]:
    """MEM-010 for a service that the kernel killed for its memory, STOP-020 for one that ended in another way."""
    told = memory.growing(record)
    last: dict[tuple[str, bool], ServiceEnded] = {}
    for end in record.all(ServiceEnded):
        if not (end.oom_killed and end.service in told):
            last[end.service, bool(end.oom_killed)] = end
    for end in last.values():
        yield _finding(record, end)


def _finding(record: Record, end: ServiceEnded) -> Finding:
    limit = next((one.memory_limit for one in record.manifest.services if one.name == end.service), 0)
    users = end.done + end.failed
    if end.oom_killed:
        code, cause = "MEM-010", "it holds more than its limit, at once or with every user"
        title = f"{end.service} is killed for its memory ({limit // MIB} MiB) within {users:,} users"
        advice = (
            "See what it holds at that moment; rehearse with more users to learn whether it grows with them."
            f" Watch it with an alarm at {ALARM * limit / MIB:,.0f} MiB."
        )
    else:
        code, cause = "STOP-020", "it broke, or something ended it"
        how = "an exit code that was not seen" if end.exit_code is None else f"exit code {end.exit_code}"
        title = f"{end.service} ends by itself ({how}) within {users:,} users"
        advice = "Its last lines stand in the run's logs; have it go on behind a user that it cannot handle."
    evidence = [
        Evidence("engine", f"at {end.scale}x: {end.done:,} users done and {end.failed:,} failed by then")
    ]
    evidence += _in_flight(record, end)
    return Finding(
        code=code,
        id=fingerprint(code, end.service),
        severity="high",
        title=title[:80],
        service=end.service,
        counts={f"{end.scale}x": users},
        evidence=evidence,
        cause=cause,
        advice=advice,
        reproduce=at_scales(record, end.scale or 1),
    )


def _in_flight(record: Record, end: ServiceEnded) -> Iterator[Evidence]:
    """Who was in work then, as far as the tap or the batch's word tells it."""
    exchanges = record.table(f"exchanges-{end.scale}")
    cut = [
        item
        for items, upstream in zip(exchanges.get("items", []), exchanges.get("upstream", []), strict=True)
        if upstream is None
        for item in items or []
    ]
    if cut:
        yield Evidence("tap", f"in work or asked for next: users {_some(cut)}")
        return
    table = record.table(f"items-{end.scale}")
    words = dict(zip(table.get("item", []), table.get("said", []), strict=True))
    open_ = [item for item, said in words.items() if said in ("running", "unknown")]
    failed = [item for item, said in words.items() if said == "failed"]
    if open_:
        yield Evidence("batch", f"in work or asked for next, by the batch's word: users {_some(open_)}")
    elif failed:
        yield Evidence("batch", f"who was in work may be among those called failed: users {_some(failed)}")


def _some(items: list[str]) -> str:
    items = list(dict.fromkeys(items))
    return ", ".join(items[:SHOWN]) + (", ..." if len(items) > SHOWN else "")
