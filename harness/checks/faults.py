"""How the batch behaves while its downstream is in trouble: whether it waits without end, hammers, says nothing.

What becomes of the users is told where pressing again is told of (`again.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from harness.checks.place import batch_of
from harness.checks.showing import again
from harness.checks.useless import USELESS
from harness.model.events import NotSeen, PressedAgain
from harness.model.finding import Evidence, Finding, Severity, fingerprint
from harness.model.record import Record
from harness.model.wording import agree

PATIENCE = 2
"""So many more requests may be on their way when the first 429 arrives."""


def check(record: Record) -> Iterator[Finding | NotSeen]:
    """DOWN-001 where no time-out is seen, DOWN-002 where 429 is not heeded, ERR-010 where the words are empty."""
    played = [event for event in record.all(PressedAgain) if event.key.startswith("fault-") and event.reached]
    for event in played:
        if event.gave_up is False:
            yield _waits(record, event)
        if event.asked_to_wait:
            yield from _hammers(record, event)
    yield from _says_nothing(record, played)


def _waits(record: Record, event: PressedAgain) -> Finding:
    done = event.presses[0].done
    return _finding(
        record,
        event,
        "DOWN-001",
        f"The batch waits without end where {event.service} does not answer",
        [
            Evidence(
                "batch", f"when {event.what}, it still waited after {event.waited:g} s; then it was let go"
            ),
            Evidence("batch", f"with the answer it went on, {done:,} of {event.users:,} users done"),
        ],
        {"seconds waited": int(event.waited)},
    )


def _hammers(record: Record, event: PressedAgain) -> Iterator[Finding]:
    table = record.table(f"exchanges-{event.key}")
    if not table:
        return
    turned_away = [t for t, fault in zip(table["t"], table["fault"], strict=True) if fault]
    if not turned_away:
        return
    first, until = min(turned_away), min(turned_away) + event.asked_to_wait
    within = [t for t in table["t"] if first < t < until]
    if len(within) <= PATIENCE:
        return
    sent: Counter[str] = Counter()
    for items, fault in zip(table["items"], table["fault"], strict=True):
        sent.update(items if fault else [])
    most = max(sent.values(), default=0)
    yield _finding(
        record,
        event,
        "DOWN-002",
        f"{event.service} says 'wait {event.asked_to_wait} s', and {len(within):,} requests come within them",
        [
            Evidence(
                "tap",
                f"the first 429 came {first:.2f} s in; {len(within):,} more requests within"
                f" {event.asked_to_wait} s, {len(turned_away) - 1:,} of them answered 429 too",
            ),
            Evidence("tap", f"the same user was sent up to {most:,} times"),
        ],
        {"requests": len(within)},
    )


def _says_nothing(record: Record, played: list[PressedAgain]) -> Iterator[Finding]:
    empty: dict[str, tuple[int, str]] = {}
    for event in played:
        table = record.table(f"items-{event.key}-then")
        words = [
            detail
            for said, detail in zip(table.get("said", []), table.get("detail", []), strict=True)
            if said in ("failed", "unknown") and USELESS.match(detail)
        ]
        if words:
            empty[event.what] = len(words), Counter(words).most_common(1)[0][0]
    if not empty:
        return
    event = next(event for event in played if event.what in empty)
    yield _finding(
        record,
        event,
        "ERR-010",
        f"Where {event.service} is in trouble, the batch's words do not tell what to do",
        [Evidence("batch", agree(f"when {what}: {n:,} times {said!r}")) for what, (n, said) in empty.items()],
        {what: n for what, (n, _) in empty.items()},
    )


_SENTENCES: dict[str, tuple[Severity, str, str]] = {
    "DOWN-001": (
        "high",
        "the call has no time-out, or one longer than anybody waits",
        "Give every call a time-out, and take one that ran out for 'perhaps done'.",
    ),
    "DOWN-002": (
        "medium",
        "a 429 is treated as any failure: the next request goes out at once",
        "Heed Retry-After, and slow down for all users, not only for the one that was turned away.",
    ),
    "ERR-010": (
        "low",
        "the batch keeps a status, and not what it means for the user",
        "Say of each failed user whether it was perhaps done, and whether pressing again is safe.",
    ),
}


def _finding(
    record: Record,
    event: PressedAgain,
    code: str,
    title: str,
    evidence: list[Evidence],
    counts: dict[str, int],
) -> Finding:
    severity, cause, advice = _SENTENCES[code]
    service = batch_of(record)
    return Finding(
        code=code,
        id=fingerprint(code, service, event.service),
        severity=severity,
        title=title[:80],
        service=service,
        trigger=event.trigger,
        counts=counts,
        evidence=evidence,
        cause=cause,
        advice=advice,
        reproduce=again(record, "--probes", "faults"),
    )
