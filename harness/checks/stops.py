"""What stops the batch: one failing item with all those behind it, or an item on which it hangs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.checks.press_model import Seen, more_users, presses
from harness.checks.showing import at_scales
from harness.model.events import NotSeen, Pressed, ScaleDone
from harness.model.finding import BreaksAt, Evidence, Finding, fingerprint
from harness.model.record import Record


def check(record: Record) -> Iterator[Finding | NotSeen]:
    """STOP-001 where the first press ended with a failed item and items that were never begun; STOP-002 where a
    press did not end at all."""
    firsts = [press for press in record.all(Pressed) if press.scale and press.press == 1 and press.accepted]
    stopped = [press for press in firsts if press.failed and press.left > 0 and not press.stuck]
    if stopped:
        yield _stopped(record, stopped)
    stuck = [press for press in record.all(Pressed) if press.scale and press.stuck]
    if stuck:
        yield _stuck(record, stuck)


@dataclass(frozen=True)
class _Place:
    """The item at which the batch stopped: what the batch says of it, its number among the intended items, and
    of how many it says so."""

    item: str
    detail: str
    position: int | None
    such: int

    def __str__(self) -> str:
        return f"user {self.item or 'unknown'} (number {self.position or 'unknown'})"


def _stopped(record: Record, stopped: list[Pressed]) -> Finding:
    worst = stopped[-1]
    place = _place(record, f"items-{worst.scale}-first", "failed")
    done = {done.scale: done for done in record.all(ScaleDone)}
    return Finding(
        code="STOP-001",
        id=fingerprint("STOP-001", worst.exchange.service),
        severity="high",
        title=f"One failing user stops the batch: {worst.left:,} of {worst.users:,} not reached"[:80],
        service=worst.exchange.service,
        trigger=worst.trigger,
        breaks_at=_breaks(place, "the batch's own list after the first press"),
        counts={f"{press.scale}x": press.left for press in stopped},
        evidence=[
            Evidence(
                "batch",
                f"at {worst.scale}x the first press ended at {place} of {worst.users:,}:"
                f" {place.detail or 'no reason given'}",
            ),
            Evidence("batch", f"{worst.done:,} done, {worst.failed:,} failed, {worst.left:,} never begun"),
            *(Evidence("presses", text) for text in _forecasts(stopped, done)),
        ],
        cause="the batch ends its run at the first item that fails, and says no more about the rest",
        advice="Keep a failed item as failed, go on with the next, and report the failures together at the end.",
        reproduce=at_scales(record, worst.scale),
    )


def _forecasts(stopped: list[Pressed], done: dict[int, ScaleDone]) -> Iterator[str]:
    """For each scale, the presses that it took beside those that were foretold, largest scale last."""
    before: tuple[ScaleDone, int] | None = None
    for press in stopped:
        end = done.get(press.scale)
        if end is None:
            continue
        foretold = presses(Seen(press.done, press.failed, press.left))[0]
        told = f"the first press foretold {foretold}"
        fits = foretold.covers(end.presses)
        if before is not None:
            smaller, failing = before
            nearer = more_users(Seen(smaller.users - failing, failing, 0), smaller.presses, end.users)
            told += f", {smaller.scale}x foretold {nearer}"
            fits = nearer.covers(end.presses)
        yield _compared(end, told, fits=fits)
        if end.complete:
            before = end, max(end.presses - 1, 1)


def _compared(end: ScaleDone, told: str, *, fits: bool) -> str:
    if not end.complete:
        return f"at {end.scale}x {end.presses:,} presses did not come to the end ({told})"
    text = f"at {end.scale}x the button had to be pressed {end.presses:,} times ({told})"
    return text if fits else f"{text}: the model does not fit, failures are not independent of each other"


def _stuck(record: Record, stuck: list[Pressed]) -> Finding:
    worst = stuck[-1]
    place = _place(record, f"items-{worst.scale}", "running")
    return Finding(
        code="STOP-002",
        id=fingerprint("STOP-002", worst.exchange.service),
        severity="high",
        title=f"The batch hangs: {worst.left - place.such:,} of {worst.users:,} users wait behind"[:80],
        service=worst.exchange.service,
        trigger=worst.trigger,
        breaks_at=_breaks(place, "the batch's own list while it hung"),
        counts={f"{press.scale}x": press.left for press in stuck},
        evidence=[
            Evidence("batch", f"at {worst.scale}x press {worst.press}: {worst.why}"),
            Evidence("batch", f"it hangs at {place} of {worst.users:,}: {place.detail or 'no reason given'}"),
        ],
        cause="the batch waits for something that does not come, without a time limit of its own",
        advice="Give every call a time-out that is shorter than anybody's patience, and treat what it cut off as"
        " perhaps done.",
        reproduce=at_scales(record, worst.scale),
    )


def _breaks(place: _Place, method: str) -> BreaksAt:
    return BreaksAt(
        users=place.position,
        unit="position in the batch",
        first_failing=place.position,
        last_passing=place.position - 1 if place.position else None,
        method=method,
    )


def _place(record: Record, table: str, said: str) -> _Place:
    """The last item of which the batch says `said`."""
    last, detail, such = "", "", 0
    for chunk in record.chunks(table):
        for item, word, why in zip(chunk["item"], chunk["said"], chunk["detail"], strict=True):
            if word == said:
                last, detail, such = item, why, such + 1
    before = 0
    for chunk in record.chunks("intended"):
        if last in chunk["item"]:
            return _Place(last, detail, before + chunk["item"].index(last) + 1, such)
        before += len(chunk["item"])
    return _Place(last, detail, None, such)
