"""Whether a failure tells its reader anything: which item, which field, why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from harness.checks.place import batch_of
from harness.checks.showing import at_scales
from harness.checks.useless import USELESS
from harness.model.events import NotSeen, ScaleDone
from harness.model.finding import Evidence, Finding, fingerprint
from harness.model.record import Record


def check(record: Record) -> Iterator[Finding | NotSeen]:
    """ERR-001 where the batch says of failed items nothing that a person could act on."""
    for done in reversed(record.all(ScaleDone)):
        table = record.table(f"items-{done.scale}")
        words = Counter(
            detail
            for said, detail in zip(table.get("said", []), table.get("detail", []), strict=True)
            if said == "failed" and USELESS.match(detail)
        )
        if not words:
            continue
        service = batch_of(record)
        said, times = words.most_common(1)[0]
        users = "user" if times == 1 else "users"
        yield Finding(
            code="ERR-001",
            id=fingerprint("ERR-001", service),
            severity="low",
            title="A failed user's error says nothing about why",
            service=service,
            counts={f"{done.scale}x": sum(words.values())},
            evidence=[
                Evidence(
                    "batch",
                    f"{times:,} failed {users} at {done.scale}x, each with the words {said!r}",
                )
            ],
            cause="the downstream answers with a bare 500, and the batch keeps only the status",
            advice="Have the downstream name the item, the field and the rule in its answer, and keep that text.",
            reproduce=at_scales(record, done.scale),
        )
        return
