"""How the batch behaves while its downstream is in trouble: whether it waits on and on, hammers, says nothing.

What becomes of the users is told where pressing again is told of (`again.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from msgspec.structs import replace

from harness.checks.kinds import Kind
from harness.checks.place import batch_of
from harness.checks.showing import again
from harness.checks.useless import USELESS
from harness.model.events import NotSeen, PressedAgain
from harness.model.finding import Evidence, Finding, fingerprint
from harness.model.record import Record
from harness.model.wording import agree

WAITS = Kind(
    "DOWN-001",
    "high",
    "The batch still waits after {seconds:g} s where {service} does not answer",
    "the call has no time-out, or one longer than anybody waits",
    "Give every call a time-out, and take one that ran out for 'perhaps done'.",
)
HAMMERS = Kind(
    "DOWN-002",
    "medium",
    "{service} says 'wait {wait} s', and {n:,} requests come within them",
    "a 429 is treated as any failure: the next request goes out at once",
    "Heed Retry-After, and slow down for all users, not only for the one that was turned away.",
)
SAYS_NOTHING = Kind(
    "ERR-010",
    "low",
    "Where {service} is in trouble, the batch's words do not tell what to do",
    "the batch keeps a status, and not what it means for the user",
    "Say of each failed user whether it was perhaps done, and whether pressing again is safe.",
)
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
    waited = f"when {event.what}, it still waited after {event.waited:g} s; then it was let go"
    return replace(
        _finding(record, event, WAITS, WAITS.title.format(seconds=event.waited, service=event.service)),
        evidence=[
            Evidence("batch", waited),
            Evidence("batch", f"with the answer it went on, {done:,} of {event.users:,} users done"),
        ],
        counts={"seconds waited": int(event.waited)},
    )


def _hammers(record: Record, event: PressedAgain) -> Iterator[Finding | NotSeen]:
    table = record.table(f"exchanges-{event.key}")
    if not table:
        yield NotSeen(probe=f"when {event.what}", why="what passed the tap was not kept", decisive=False)
        return
    turned_away = [t for t, fault in zip(table["t"], table["fault"], strict=True) if fault]
    if not turned_away:
        return
    first, until = min(turned_away), min(turned_away) + event.asked_to_wait
    within, in_vain = (sum(first < t < until for t in times) for times in (table["t"], turned_away))
    if within <= PATIENCE:
        return
    sent: Counter[str] = Counter()
    for items, fault in zip(table["items"], table["fault"], strict=True):
        sent.update(items if fault else [])
    wait, most = event.asked_to_wait, max(sent.values(), default=0)
    came = f"the first 429 came {first:.2f} s in; {within:,} more requests within {wait} s"
    title = HAMMERS.title.format(service=event.service, wait=wait, n=within)
    yield replace(
        _finding(record, event, HAMMERS, title),
        evidence=[
            Evidence("tap", f"{came}, {in_vain:,} of them answered 429 too"),
            Evidence("tap", agree(f"the same user was sent up to {most:,} times")),
        ],
        counts={"requests": within},
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
    told = [agree(f"when {what}: {n:,} times {said!r}") for what, (n, said) in empty.items()]
    yield replace(
        _finding(record, event, SAYS_NOTHING, SAYS_NOTHING.title.format(service=event.service)),
        evidence=[Evidence("batch", text) for text in told],
        counts={what: n for what, (n, _) in empty.items()},
    )


def _finding(record: Record, event: PressedAgain, kind: Kind, title: str) -> Finding:
    """A finding of this fault, without its evidence."""
    service = batch_of(record)
    return Finding(
        code=kind.code,
        id=fingerprint(kind.code, service, event.service),
        severity=kind.severity,
        title=title[:80],
        service=service,
        trigger=event.trigger,
        cause=kind.cause,
        advice=kind.advice,
        reproduce=again(record, "--probes", "faults"),
    )
