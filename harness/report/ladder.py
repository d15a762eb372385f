"""The ladder: what became of each trigger at each scale."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from harness.model.record import Pressed, Record, ScaleDone

State = Literal["passed", "broken", "not seen"]


class Rung(Struct, frozen=True):
    """One trigger at one scale."""

    trigger: str
    scale: int
    users: int
    state: State
    text: str


def ladder(record: Record) -> list[Rung]:
    """A rung for every trigger and scale of the rehearsal, in that order."""
    manifest = record.manifest
    first = {(p.trigger, p.scale): p for p in record.all(Pressed) if p.press == 1 and p.scale}
    done = {(d.trigger, d.scale): d for d in record.all(ScaleDone)}
    rungs = []
    for trigger in manifest.triggers:
        for scale in manifest.scales:
            press, end = first.get((trigger, scale)), done.get((trigger, scale))
            rungs.append(Rung(trigger, scale, manifest.usual * scale, *_state(press, end)))
    return rungs


def _state(press: Pressed | None, end: ScaleDone | None) -> tuple[State, str]:
    if press is None:
        return "not seen", "not tried: one before it got through"
    if press.accepted is None:
        return "not seen", press.why
    if not press.accepted:
        return "broken", press.why
    if end is None:
        return "not seen", "got through; the run was cut off"
    again = f"; services started again {end.revivals} times" if end.revivals else ""
    if not end.complete:
        return "broken", f"got through; {end.presses:,} presses did not bring it to the end{again}"
    if end.presses == 1:
        return "passed", "got through in one press"
    return "broken", f"got through; needed {end.presses:,} presses{again}"
