"""What comes of pressing the button again: what is done twice, what is left behind, and how many presses it takes.

Only what a single press does not bring about is told here; the rest is told of the scales.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from harness.checks.again_kinds import BROKEN, NOT_TAKEN_UP, PRESSES, REFUSED, TWICE, VANISHED, WHEN
from harness.checks.again_presses import press_by_press
from harness.checks.kinds import Kind
from harness.checks.ledger import SHOWN, Account, balance
from harness.checks.place import batch_of
from harness.checks.press_model import Forecast, Seen, duplicates, presses
from harness.checks.showing import again
from harness.checks.verdicts import Verdict
from harness.model.events import NotSeen, PressedAgain, ScaleDone
from harness.model.finding import Evidence, Finding, fingerprint
from harness.model.record import Record

FAULTS = ("kill", "late", "oom")
MISSED = "it did not come about: the batch was too quick or too patient to be caught, or nothing landed late"
NOT_REACHED = {"oom": "it did not come about: the run ended before the kernel killed it"}


def check(record: Record) -> Iterator[Finding | NotSeen]:
    """DUP-003 to DUP-007, and what else is left broken, per way of pressing again."""
    events = record.all(PressedAgain)
    if not events:
        return
    before = _single(record)
    twice: dict[str, list[_Case]] = {}
    broken: dict[str, Finding] = {}
    for event in events:
        account = balance(record, event.users, f"items-{event.key}", f"effects-{event.key}")
        if account is None:
            yield NotSeen(probe=f"when {event.what}", why="the batch's word or the ledger was not read")
            continue
        if not event.reached:
            yield NotSeen(probe=f"when {event.what}", why=NOT_REACHED.get(event.kind, MISSED), decisive=False)
        case = _Case(record, event, account, before)
        if case.new("duplicated"):
            twice.setdefault(f"{event.kind} {event.service}", []).append(case)
        for found in _broken(case):  # told once for each kind of accident, however often it was tried
            worst = broken.setdefault(found.id, found)
            if max(found.counts.values()) > max(worst.counts.values()):
                broken[found.id] = found
    yield from broken.values()
    for cases in twice.values():
        yield _done_twice(cases)


@dataclass
class _Case:
    """One experiment with its balance, and the verdicts that a single press gives the same users."""

    record: Record
    event: PressedAgain
    account: Account
    before: dict[str, Verdict]

    def new(self, kind: Verdict) -> list[str]:
        """The users with this verdict who do not have it anyway."""
        return [item for item in self.account.of(kind) if self.before.get(item) != kind]

    def counts(self, kind: Verdict, items: list[str]) -> dict[str, int]:
        """How many of these users had this verdict after each press."""
        if not self.presses:
            return {self.event.key: len(items)}
        return {
            f"press {number}": sum(told[item] == kind for item in items)
            for number, told in self.presses.items()
        }

    @cached_property
    def presses(self) -> dict[int, dict[str, Verdict]]:
        """Every user's verdict after each press; empty for a record that does not tell it."""
        return press_by_press(self.record, self.event)

    def extra(self) -> Counter[int]:
        """The copies too many of newly duplicated users, by the press that brought them."""
        wanted, copies = set(self.new("duplicated")), Counter[tuple[str, str]]()
        found = Counter({note.number: 0 for note in self.event.presses})
        for chunk in self.record.chunks(f"effects-{self.event.key}"):
            for item, step, press in zip(chunk["item"], chunk["step"], chunk["press"], strict=True):
                copies[item, step] += 1
                found[press] += item in wanted and copies[item, step] > 1
        return found

    def told(self, kind: Kind, n: int) -> str:
        """The title of a finding of that kind."""
        service = self.event.service or "the batch"
        when = WHEN[self.event.kind].format(service=service)
        return kind.title.format(n=n, all=self.event.users, service=service, when=when)[:80]


def _single(record: Record) -> dict[str, Verdict]:
    """Every user's verdict at the smallest scale: what happens without any of the experiments."""
    smallest = min(record.all(ScaleDone), key=lambda done: done.scale, default=None)
    if smallest is None:
        return {}
    account = balance(record, smallest.users, f"items-{smallest.scale}", f"effects-{smallest.scale}")
    return account.verdict_of() if account else {}


def _done_twice(cases: list[_Case]) -> Finding:
    """One finding for each way, however many gaps between the presses were tried."""
    worst = max(cases, key=lambda case: len(case.new("duplicated")))
    kind, items, extra = TWICE[worst.event.kind], worst.new("duplicated"), worst.extra()
    by_press = ", ".join(f"press {press}: {extra[press]:,}" for press in sorted(extra))
    evidence = [
        Evidence("ledger", f"when {worst.event.what}: copies too many by {by_press}"),
        Evidence(
            "ledger", f"up to {worst.account.deeds.most:,} times each, for example users {_some(items)}"
        ),
    ]
    if worst.account.overpaid:
        evidence.append(Evidence("money", f"{worst.account.overpaid:,.2f} were paid too much"))
    if worst.event.kind == "complete":
        evidence += _foretold_copies(worst, extra.total())
    evidence += [
        Evidence(
            "presses", f"when {case.event.what}: {len(case.new('duplicated')):,} users done more than once"
        )
        for case in cases
        if case is not worst
    ]
    counts = {f"press {press}": copies for press, copies in sorted(extra.items())}
    return _finding(worst, kind, worst.told(kind, len(items)), counts, evidence)


def _broken(case: _Case) -> Iterator[Finding]:
    """What is left behind, beside duplicates."""
    event = case.event
    for verdict, kind in BROKEN.items():
        items = case.new(verdict)  # type: ignore[arg-type]
        if not items or (
            verdict == "failed-clean" and event.kind in ("complete", "changed", "double", "running")
        ):
            continue
        evidence = [Evidence("ledger", f"for example users {_some(items)}"), _course(event)]
        if verdict == "falsely-ok" and case.account.unpaid:
            evidence.append(Evidence("money", f"{case.account.unpaid:,.2f} were due to them"))
        yield _finding(case, kind, case.told(kind, len(items)), case.counts(verdict, items), evidence)  # type: ignore[arg-type]
    yield from _never_begun(case)
    if event.vanished:
        counts = {event.key: event.vanished}
        yield _finding(case, VANISHED, case.told(VANISHED, event.vanished), counts, [_course(event)])
    if event.kind == "complete":
        yield from _presses_needed(case)


def _never_begun(case: _Case) -> Iterator[Finding]:
    """STOP-003 where no press is taken any more, STOP-006 where those who came in later are left out."""
    event, blocked = case.event, case.account.of("blocked")
    kind, why = None, ""
    if blocked and event.kind in FAULTS and event.presses[-1].accepted is False:
        kind, why = REFUSED, f"the last press: {event.presses[-1].why}; {len(blocked):,} users never begun"
    elif event.kind == "changed" and case.new("blocked") and event.presses[-1].left > 0:
        blocked = case.new("blocked")
        kind, why = NOT_TAKEN_UP, f"for example users {_some(blocked)}"
    if kind:
        counts = case.counts("blocked", blocked)
        proof = [Evidence("presses", why), _course(event)]
        yield _finding(case, kind, case.told(kind, len(blocked)), counts, proof)


def _presses_needed(case: _Case) -> Iterator[Finding]:
    """STOP-005 for a batch that goes on behind failing items; one that stops at them is told of as STOP-001."""
    event, first = case.event, case.event.presses[0]
    last = event.presses[-1]
    needed = next(
        (note.number for note in event.presses if (note.left, note.failed) == (last.left, last.failed)), 0
    )
    if first.left > 0 or needed < 2:
        return
    foretold = presses(Seen(first.done, first.failed, first.left))
    counts = {f"press {note.number}": note.failed for note in event.presses[:needed]}
    evidence = [_course(event), Evidence("presses", _compared("presses", needed, foretold))]
    yield _finding(case, PRESSES, case.told(PRESSES, needed), counts, evidence)


def _foretold_copies(case: _Case, real: int) -> Iterator[Evidence]:
    first = case.event.presses[0]
    landed = min(max(first.effects - first.done, 0), first.failed)
    foretold = duplicates(Seen(first.done, first.failed, first.left, landed))
    yield Evidence("presses", _compared("copies too many", real, foretold))


def _compared(what: str, real: int, foretold: list[Forecast]) -> str:
    """What came beside what the first press foretold under each model, and which of them fits."""
    told = "; ".join(f"{forecast} if {forecast.model}" for forecast in foretold)
    fitting = [forecast.model for forecast in foretold if forecast.covers(real)]
    if fitting:
        return f"{real:,} {what}; the first press foretold {told}"
    return (
        f"{real:,} {what}; the first press foretold {told}: no model fits, the first press does not tell it"
    )


def _course(event: PressedAgain) -> Evidence:
    """The presses in one line."""
    notes = [
        f"{note.number}: {'cut off' if note.stopped else 'refused' if note.accepted is False else 'taken'},"
        f" {note.done:,} done, {note.failed:,} failed, {note.left:,} left"
        for note in event.presses
    ]
    shown = notes if len(notes) <= 6 else [*notes[:3], "...", *notes[-2:]]
    return Evidence("presses", "press " + "; ".join(shown))


def _finding(
    case: _Case, kind: Kind, title: str, counts: dict[str, int], evidence: list[Evidence]
) -> Finding:
    event, service = case.event, batch_of(case.record)
    return Finding(
        code=kind.code,
        id=fingerprint(kind.code, service, event.kind, event.service),
        severity=kind.severity,
        title=title,
        service=service,
        trigger=event.trigger,
        counts=counts,
        evidence=evidence,
        cause=kind.cause,
        advice=kind.advice,
        reproduce=again(case.record, "--probes", _probe(event)),
    )


def _probe(event: PressedAgain) -> str:
    """The probe that asked it."""
    return "faults" if event.key.startswith("fault-") else "oom" if event.kind == "oom" else "rerun"


def _some(items: list[str]) -> str:
    return ", ".join(items[:SHOWN]) + (", ..." if len(items) > SHOWN else "")
