"""Services that flood their log: on the real day it fills a disk, and here its beginning was not kept."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.showing import at_scales
from harness.model.events import LogSeen, ScaleDone
from harness.model.finding import Evidence, Finding, fingerprint
from harness.model.record import Record

MIB = 2**20
MOST = 20 * MIB


def check(record: Record) -> Iterator[Finding]:
    """LOG-001 for each service that wrote more than is kept of a container's log."""
    users = {done.scale: done.users for done in record.all(ScaleDone)}
    seen: dict[str, list[LogSeen]] = {}
    for log in record.all(LogSeen):
        seen.setdefault(log.service, []).append(log)
    for logs in seen.values():
        floods = [log for log in logs if log.written > MOST or not log.whole]
        if floods:
            yield _finding(record, floods, users)


def _finding(record: Record, floods: list[LogSeen], users: dict[int, int]) -> Finding:
    last = floods[-1]
    size = f"{last.written / MIB:,.0f} MiB of log"
    if not last.whole:
        size = f"{last.rate / MIB:,.1f} MiB of log a second" if last.rate else f"more than {size}"
    return Finding(
        code="LOG-001",
        id=fingerprint("LOG-001", last.service),
        severity="medium",
        title=f"{last.service} writes {size}{_with(users.get(last.scale))}"[:80],
        service=last.service,
        counts={f"{log.scale}x": users[log.scale] for log in floods if log.scale in users},
        evidence=[Evidence("log", _told(log, users.get(log.scale, 0))) for log in floods],
        cause="a debug level that was left on, or lines for much less than a user",
        advice="Give its log a bound (Docker's own has none: max-size, max-file), and write one line for each user.",
        reproduce=at_scales(record, last.scale),
    )


def _with(users: int | None) -> str:
    return "" if users is None else f" with {users:,} users"


def _told(log: LogSeen, users: int) -> str:
    if log.whole:
        each = f", {log.written / users / 1024:,.1f} KiB for each user" if users else ""
        return f"at {log.scale}x: {log.written:,} bytes in {log.seconds:.1f} s{each}"
    told = f"at {log.scale}x: the engine had {log.written:,} bytes, and may have dropped what came before"
    if not log.rate:
        return told
    all_of_it = log.rate * log.seconds / MIB
    told += f"; at last {log.rate / MIB:,.1f} MiB a second"
    return f"{told}: {all_of_it:,.0f} MiB in {log.seconds:.0f} s, if it always wrote so"
