"""Two witnesses that disagree: the downstream's state and its answers, the batch's count and its list.

The downstream's state is believed first, what the tap saw on the wire second, the batch's word last. The tap's table
is `tap-<scale>`: item and status of each request that went to the downstream (status None: no answer).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.checks.kinds import Kind
from harness.checks.ledger import SHOWN
from harness.checks.place import batch_of
from harness.checks.showing import again
from harness.model.events import NotSeen, Pressed, ScaleDone
from harness.model.finding import Evidence, Finding, fingerprint
from harness.model.record import Record

SUCCESS_AND_NOTHING = Kind(
    "ITEM-007",
    "high",
    "{n:,} users are answered with success downstream, and nothing was done",
    "the downstream answers before, or without, having done it",
    "Answer only after the commit; until then 202 and a place to ask.",
)
ERROR_AND_DONE = Kind(
    "ITEM-008",
    "high",
    "{n:,} users get no success for an answer downstream, and it was done",
    "the downstream commits, and fails afterwards: in a hook, a log line, a proxy's time-out; or its answer is lost",
    "Answer with what was committed; whoever sends again needs the same key and the same answer.",
)
COUNT_AND_LIST = Kind(
    "ITEM-009",
    "medium",
    "The batch counts {n:,} users done more or less than it lists",
    "the count and the list are kept apart, and one of them is wrong",
    "Make the count from the list.",
)


def check(record: Record) -> Iterator[Finding | NotSeen]:
    """ITEM-007 and ITEM-008 where the ledger and the tap disagree, ITEM-009 where the batch contradicts itself."""
    apart = {
        f"{done.scale}x": _disagree(record, done.scale)
        for done in record.all(ScaleDone)
        if record.has(f"tap-{done.scale}") and record.has(f"effects-{done.scale}")
    }
    for kind, found in (
        (SUCCESS_AND_NOTHING, {scale: each.empty for scale, each in apart.items()}),
        (ERROR_AND_DONE, {scale: each.landed for scale, each in apart.items()}),
    ):
        counts = {scale: len(items) for scale, items in found.items() if items}
        if counts:
            scale = list(counts)[-1]
            text = f"at {scale}, for example users {', '.join(found[scale][:SHOWN])}"
            silent = sum(item in apart[scale].unanswered for item in found[scale])
            text += f"; {silent:,} of them without any answer" if silent else ""
            yield _finding(record, kind, counts[scale], counts, Evidence("tap", text))
    yield from _contradicted(record)


@dataclass(frozen=True)
class _Apart:
    """Items with a successful answer and no effect, those with effects and no successful answer, and all of which no
    request was answered at all."""

    empty: list[str]
    landed: list[str]
    unanswered: set[str]


def _disagree(record: Record, scale: int) -> _Apart:
    """Where the ledger and the tap disagree at one scale."""
    effects, good, bad, silent = set[str](), set[str](), set[str](), set[str]()
    for chunk in record.chunks(f"effects-{scale}"):
        effects.update(chunk["item"])
    for chunk in record.chunks(f"tap-{scale}"):
        for item, status in zip(chunk["item"], chunk["status"], strict=True):
            (silent if status is None else good if 200 <= status < 300 else bad).add(item)
    return _Apart(
        empty=sorted(good - effects),
        landed=sorted(((bad | silent) & effects) - good),
        unanswered=silent - good - bad,
    )


def _contradicted(record: Record) -> Iterator[Finding]:
    last = {press.scale: press for press in record.all(Pressed) if press.accepted}
    apart: dict[str, int] = {}
    for done in record.all(ScaleDone):
        press, table = last.get(done.scale), f"items-{done.scale}"
        if press is None or not done.complete or not record.has(table):
            continue
        listed = sum(chunk["said"].count("ok") for chunk in record.chunks(table))
        if listed != press.done:
            apart[f"{done.scale}x"] = abs(listed - press.done)
            text = f"at {done.scale}x progress() counts {press.done:,} done, outcomes() lists {listed:,}"
    if apart:
        yield _finding(record, COUNT_AND_LIST, list(apart.values())[-1], apart, Evidence("batch", text))


def _finding(record: Record, kind: Kind, n: int, counts: dict[str, int], proof: Evidence) -> Finding:
    service = batch_of(record)
    return Finding(
        code=kind.code,
        id=fingerprint(kind.code, service),
        severity=kind.severity,
        title=kind.title.format(n=n)[:80],
        service=service,
        counts=counts,
        evidence=[proof],
        cause=kind.cause,
        advice=kind.advice,
        reproduce=again(
            record,
            "--scales",
            list(counts)[-1].rstrip("x"),
            *(("--tap", "on") if proof.kind == "tap" else ()),
        ),
    )
