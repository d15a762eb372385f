"""One failing item that stops all behind it, and how often the button must then be pressed."""

from __future__ import annotations

from collections.abc import Iterator

from harness.model.finding import BreaksAt, Evidence, Finding, Reproduce, fingerprint
from harness.model.record import NotSeen, Pressed, Record, ScaleDone


def check(record: Record) -> Iterator[Finding | NotSeen]:
    """STOP-001 where the first press ended with a failed item and items that were never begun."""
    blocked: dict[str, int] = {}
    worst: Pressed | None = None
    for press in record.all(Pressed):
        if press.scale and press.press == 1 and press.accepted and press.failed and press.left > 0:
            blocked[f"{press.scale}x"] = press.left
            worst = press
    if worst is None:
        return
    item, detail, position = _stopper(record, worst.scale)
    presses = {f"{done.scale}x": done for done in record.all(ScaleDone)}
    most = presses.get(f"{worst.scale}x")
    service = worst.exchange.service
    yield Finding(
        code="STOP-001",
        id=fingerprint("STOP-001", service),
        severity="high",
        title=f"One failing user stops the batch: {worst.left:,} of {worst.users:,} not reached"[:80],
        service=service,
        trigger=worst.trigger,
        breaks_at=BreaksAt(
            users=position,
            unit="position in the batch",
            first_failing=position,
            last_passing=position - 1 if position else None,
            method="the batch's own list after the first press",
        ),
        counts=blocked,
        evidence=[
            Evidence(
                "batch",
                f"at {worst.scale}x the first press ended at user {item or 'unknown'}"
                f" (number {position or 'unknown'} of {worst.users:,}): {detail or 'no reason given'}",
            ),
            Evidence("batch", f"{worst.done:,} done, {worst.failed:,} failed, {worst.left:,} never begun"),
            *([_presses(most)] if most else []),
        ],
        cause="the batch ends its run at the first item that fails, and says no more about the rest",
        advice="Keep a failed item as failed, go on with the next, and report the failures together at the end.",
        reproduce=Reproduce(
            ["rehearse", "run", record.manifest.source, "--scales", str(worst.scale)], record.manifest.seed
        ),
    )


def _presses(done: ScaleDone) -> Evidence:
    end = "to work through all" if done.complete else "without coming to the end"
    return Evidence("presses", f"at {done.scale}x the button was pressed {done.presses:,} times {end}")


def _stopper(record: Record, scale: int) -> tuple[str, str, int | None]:
    """(item, what the batch says of it, its 1-based position among the intended items)."""
    table = record.table(f"items-{scale}-first")
    failed = [
        (item, detail)
        for item, said, detail in zip(
            table.get("item", []), table.get("said", []), table.get("detail", []), strict=True
        )
        if said == "failed"
    ]
    if not failed:
        return "", "", None
    item, detail = failed[-1]
    intended = record.table("intended")["item"]
    return item, detail, intended.index(item) + 1 if item in intended else None
