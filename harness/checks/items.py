"""What became of each user: intended items, the batch's word and the downstream's effects, balanced."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from harness.checks.kinds import KINDS, PHANTOM, Kind
from harness.checks.ledger import SHOWN, Account, balance, best_witness
from harness.checks.place import batch_of
from harness.checks.reading import flaws
from harness.checks.showing import at_scales
from harness.model.events import NotSeen, ScaleDone
from harness.model.finding import Evidence, Finding, fingerprint
from harness.model.record import Record


@dataclass
class _Tally:
    """One kind over the scales: its counts, and what the largest scale that has it shows of it."""

    counts: dict[str, int] = field(default_factory=dict)
    users: int = 0
    evidence: list[Evidence] = field(default_factory=list)


def check(record: Record) -> Iterator[Finding | NotSeen]:
    """One finding for each bad verdict, with its count per scale; NotSeen where a verdict would be a guess."""
    tallies = {name: _Tally() for name in KINDS}
    for done in record.all(ScaleDone):
        witness = best_witness(record, done.scale)
        account = balance(record, done.users, f"items-{done.scale}", witness)
        if account is None:
            why = "the batch's word or the ledger was not read"
            yield NotSeen(probe=f"each user at {done.scale}x", why=why)
            continue
        yield from flaws(account, done)
        for name, tally in tallies.items():
            _add(tally, name, account, done, "tap" if witness.startswith("tap-") else "ledger")
    service = batch_of(record)
    for name, tally in tallies.items():
        if tally.counts:
            yield _finding(record, KINDS[name], service, tally)


def _add(tally: _Tally, name: str, account: Account, done: ScaleDone, witness: str) -> None:
    phantoms = sorted(account.deeds.strangers) if name == PHANTOM else []
    n = len(phantoms) if name == PHANTOM else account.count(name)  # type: ignore[arg-type]
    if not n:
        return
    examples = phantoms[:SHOWN] or account.of(name, SHOWN)  # type: ignore[arg-type]
    scale = f"{done.scale}x"
    tally.counts[scale], tally.users = n, done.users
    tally.evidence = [Evidence(witness, f"at {scale}, for example users {', '.join(examples)}")]
    if name == "duplicated":
        tally.evidence.append(Evidence(witness, f"at {scale} up to {account.deeds.most:,} times each"))
        if account.overpaid:
            tally.evidence.append(Evidence("money", f"at {scale} {account.overpaid:,.2f} were paid too much"))
    if name == "falsely-ok" and account.unpaid:
        tally.evidence.append(Evidence("money", f"at {scale} {account.unpaid:,.2f} were due to them"))
    if name == "corrupted":
        tally.evidence += [Evidence("ledger", text) for text in account.deeds.examples]


def _finding(record: Record, kind: Kind, service: str, tally: _Tally) -> Finding:
    scale, n = list(tally.counts.items())[-1]
    return Finding(
        code=kind.code,
        id=fingerprint(kind.code, service),
        severity=kind.severity,
        title=kind.title.format(n=n, all=tally.users, share=n / tally.users)[:80],
        service=service,
        counts=tally.counts,
        evidence=tally.evidence,
        cause=kind.cause,
        advice=kind.advice,
        reproduce=at_scales(record, scale.rstrip("x")),
    )
