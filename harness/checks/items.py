"""What became of each user: the batch's word held against the downstream's effects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

from msgspec import Struct

from harness.model.finding import Evidence, Finding, Reproduce, Severity, fingerprint
from harness.model.record import NotSeen, Record, ScaleDone


class Kind(Struct, frozen=True):
    """A verdict on items that is a finding: its code, weight, and the sentences around it."""

    code: str
    severity: Severity
    title: str
    cause: str
    advice: str


KINDS = {
    "failed-clean": Kind(
        "ITEM-001",
        "medium",
        "{n:,} of {all:,} users fail ({share:.1%})",
        "these users are refused downstream, whatever their number: it is their data or their turn",
        "Find what they have in common before Friday; the failed ones were not paid and can be sent again.",
    ),
    "duplicated": Kind(
        "DUP-001",
        "critical",
        "{n:,} of {all:,} users are processed more than once",
        "the downstream takes the same item twice",
        "Send a key made once per item and stored before the call, and have the downstream refuse it twice.",
    ),
    "falsely-ok": Kind(
        "LOST-001",
        "critical",
        "{n:,} of {all:,} users are called done, and nothing was done",
        "the batch takes something else than the effect for success",
        "Mark an item done only after the downstream has confirmed that very item.",
    ),
    "falsely-failed": Kind(
        "ITEM-002",
        "high",
        "{n:,} of {all:,} users are called failed, though it was done",
        "the downstream commits and then answers with an error, or too late",
        "Ask the downstream before sending such an item again: pressing again pays it twice.",
    ),
    "stuck": Kind(
        "ITEM-003",
        "high",
        "{n:,} of {all:,} users are still being processed at the end",
        "the batch was ended, or hangs, in the middle of an item",
        "Give each item a time-out, and treat items in this state as perhaps done.",
    ),
    "lost": Kind(
        "LOST-002",
        "high",
        "{n:,} of {all:,} users were begun, with an unknown end",
        "the batch does not know what became of them, and the downstream has nothing",
        "Ask the downstream for each of them before Friday is called done.",
    ),
    "phantom": Kind(
        "DUP-002",
        "critical",
        "{n:,} effects for users that nobody asked for",
        "the batch or the downstream acts on more than it was given",
        "Compare the ledger's keys with the list that was handed in.",
    ),
}


def check(record: Record) -> Iterator[Finding | NotSeen]:
    """One finding for each bad verdict, with its count per scale."""
    counts: dict[str, dict[str, int]] = {kind: {} for kind in KINDS}
    examples: dict[str, list[str]] = {kind: [] for kind in KINDS}
    money: dict[str, Decimal] = {}
    users: dict[str, int] = {}
    for done in record.all(ScaleDone):
        verdicts = _verdicts(record, done)
        if verdicts is None:
            continue
        users[f"{done.scale}x"] = done.users
        for name in KINDS:
            items = [item for item, found in verdicts if found == name]
            if items:
                counts[name][f"{done.scale}x"] = len(items)
                examples[name] = items[:3]
        money[f"{done.scale}x"] = _overpaid(record, done)
    service = _service(record)
    for name, kind in KINDS.items():
        if not counts[name]:
            continue
        scale = list(counts[name])[-1]
        evidence = [Evidence("ledger", f"at {scale}, for example users {', '.join(examples[name])}")]
        if name == "duplicated" and money[scale]:
            evidence.append(Evidence("ledger", f"at {scale} {money[scale]:,.2f} were paid too much"))
        yield _finding(record, kind, service, counts[name], users[scale], evidence)


def _finding(
    record: Record, kind: Kind, service: str, counts: dict[str, int], users: int, evidence: list[Evidence]
) -> Finding:
    n = list(counts.values())[-1]
    return Finding(
        code=kind.code,
        id=fingerprint(kind.code, service),
        severity=kind.severity,
        title=kind.title.format(n=n, all=users, share=n / users)[:80],
        service=service,
        counts=counts,
        evidence=evidence,
        cause=kind.cause,
        advice=kind.advice,
        reproduce=Reproduce(
            ["rehearse", "run", record.manifest.source, "--scales", list(counts)[-1].rstrip("x")],
            record.manifest.seed,
        ),
    )


def _verdicts(record: Record, done: ScaleDone) -> list[tuple[str, str]] | None:
    """(item, verdict) for each intended item and each phantom; None where the ledger or the list was not read."""
    items, effects = record.table(f"items-{done.scale}"), record.table(f"effects-{done.scale}")
    if not items or (not effects and not _effects_read(record, done.scale)):
        return None
    said = dict(zip(items["item"], items["said"], strict=True))
    times = Counter(effects.get("item", []))
    intended = record.table("intended")["item"][: done.users]
    found = [(item, verdict(said.get(item), times[item])) for item in intended]
    strangers = times.keys() - set(intended)
    return found + [(item, "phantom") for item in sorted(strangers)]


def verdict(said: str | None, effects: int) -> str:
    """The verdict on one item: what the batch says of it (None: nothing) against how often it was done."""
    if effects > 1:
        return "duplicated"
    if said == "running":
        return "stuck"
    if effects == 1:
        return {"ok": "done-once", "failed": "falsely-failed"}.get(said or "", "recovered")
    return {"ok": "falsely-ok", "failed": "failed-clean", "unknown": "lost"}.get(said or "", "blocked")


def _effects_read(record: Record, scale: int) -> bool:
    return (record.folder / "tables" / f"effects-{scale}.jsonl").exists()


def _overpaid(record: Record, done: ScaleDone) -> Decimal:
    table = record.table(f"effects-{done.scale}")
    seen: set[str] = set()
    total = Decimal(0)
    for item, amount in zip(table.get("item", []), table.get("amount", []), strict=True):
        if item in seen:
            try:
                total += Decimal(amount or "0")
            except InvalidOperation:
                continue  # no money in this ledger
        seen.add(item)
    return total


def _service(record: Record) -> str:
    entries = [service for service in record.manifest.services if service.entry != service.name]
    return entries[0].name if entries else record.manifest.services[-1].name
