"""The ladder: each trigger and each wall at each scale, and the largest number of users that is safe."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import inf
from typing import Literal

from msgspec import Struct

from harness.model.events import Pressed, ScaleDone
from harness.model.finding import Finding
from harness.model.record import Record
from harness.report.text import POSITION, plural

State = Literal["passed", "broken", "not seen"]


class Rung(Struct, frozen=True):
    """One trigger, or one wall, at one scale."""

    trigger: str
    scale: int
    users: int
    state: State
    text: str


class Safe(Struct, frozen=True):
    """The largest number of users that is safe with the trigger used today. None: unknown; 0: none was seen."""

    users: int | None
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


def walls(record: Record, findings: Sequence[Finding]) -> list[tuple[Finding, list[Rung]]]:
    """A rung at every scale for each finding that weighs medium or more and was seen or placed on the scales."""
    ran = {done.scale for done in record.all(ScaleDone) if done.presses}
    pressed = {(p.trigger, p.scale) for p in record.all(Pressed)}
    rows = []
    for finding in findings:
        placed = _limit(finding) is not None or finding.code.startswith("SEC-")
        placed = placed or any(f"{scale}x" in finding.counts for scale in record.manifest.scales)
        if finding.severity in ("low", "info") or not placed:
            continue
        rungs = []
        for scale in record.manifest.scales:
            users = record.manifest.usual * scale
            seen = (finding.trigger, scale) in pressed if finding.trigger else scale in ran
            rungs.append(Rung(finding.title, scale, users, *_stands(finding, scale, users, seen=seen)))
        rows.append((finding, rungs))
    return rows


class Headline(Struct, frozen=True):
    """One finding for a reader who has ten seconds: at how many users, what, and the first thing to change."""

    id: str
    at: str
    title: str
    change: str


def headlines(record: Record, findings: Sequence[Finding], most: int = 6) -> list[Headline]:
    """The heavy findings, the nearest first; where none is heavy, the medium ones."""
    heavy = [f for f in findings if f.severity in ("critical", "high")]
    chosen = heavy or [f for f in findings if f.severity == "medium"]
    placed = sorted(((_nearest(record, finding), finding) for finding in chosen), key=lambda pair: pair[0])
    return [
        Headline(finding.id, _at(users, finding), finding.title, _first_of(finding.advice))
        for users, finding in placed[:most]
    ]


def _first_of(advice: str) -> str:
    """The first thing to do, as a sentence of its own."""
    return re.split(r"(?<=\.) |;", advice)[0].removesuffix(".") + "."


def _nearest(record: Record, finding: Finding) -> float:
    """The smallest number of users at which it is known to strike."""
    limit = _limit(finding)
    if limit is not None:
        return limit + 1
    struck = [scale for scale in record.manifest.scales if finding.counts.get(f"{scale}x")]
    return record.manifest.usual * struck[0] if struck else inf


def _at(users: float, finding: Finding) -> str:
    if users == inf:
        return "any number"
    return plural(int(users), "user") if _limit(finding) is not None else f"seen at {users:,.0f}"


def safe(record: Record, findings: Sequence[Finding]) -> Safe:
    """The largest number of users that today's trigger carries to the end with no heavy finding in the way."""
    today = record.manifest.triggers[0] if record.manifest.triggers else ""
    rungs = [rung for rung in ladder(record) if rung.trigger == today]
    heavy = [f for f in findings if f.severity in ("critical", "high") and f.trigger in ("", today)]
    anywhere = sorted({f.code for f in heavy if f.counts and _nearest(record, f) == inf})
    beside = f"; at any number: {', '.join(anywhere)}" if anywhere else ""
    passed = [rung.users for rung in rungs if rung.state == "passed" and not _broken_by(heavy, rung)]
    carries = min((limit for f in heavy if (limit := _limit(f)) is not None), default=None)
    if passed:
        most = max(passed)
        above = [rung.users for rung in rungs if rung.users > most]
        if carries is not None and carries > most and (not above or carries < above[0]):
            told = f"{carries:,}: {most:,} ran to the end, the first wall stands behind {carries:,}{beside}"
            return Safe(carries, told)
        return Safe(most, f"{most:,}: the largest number that ran to the end with nothing in the way{beside}")
    if not rungs or all(rung.state == "not seen" for rung in rungs):
        return Safe(None, "unknown: nothing was seen of the trigger used today")
    why = next((rung for rung in rungs if rung.state == "broken"), rungs[0])
    far = f"; its request is taken up to {carries:,} users" if carries else ""
    return Safe(0, f"none was seen: with {why.users:,} users the trigger used today {why.text}{far}")


def _broken_by(heavy: Sequence[Finding], rung: Rung) -> bool:
    return any(_stands(finding, rung.scale, rung.users, seen=True)[0] == "broken" for finding in heavy)


def _limit(finding: Finding) -> int | None:
    """The largest number of users in front of this wall; None where it has no such number."""
    at = finding.breaks_at
    if at is None or at.unit == POSITION or at.users is None:
        return None
    return at.last_passing if at.last_passing is not None else max(0, at.users - 1)


def _stands(finding: Finding, scale: int, users: int, *, seen: bool) -> tuple[State, str]:
    """Whether the wall stands at this scale: by its number of users, else by what was counted at the scale."""
    limit = _limit(finding)
    if limit is not None:
        if users > limit:
            return "broken", f"behind {limit:,} users"
        return ("passed", "in front of it") if seen else ("not seen", "not pressed with so many")
    count = finding.counts.get(f"{scale}x")
    if count:
        return "broken", f"{count:,} counted"
    if count == 0 and seen:
        return "passed", "none counted"
    if finding.counts:
        return "not seen", "not counted at this scale" if seen else "did not run"
    return ("broken", "whatever the number") if seen else ("not seen", "not pressed with so many")


def _state(press: Pressed | None, end: ScaleDone | None) -> tuple[State, str]:
    if press is None and end is None:
        return "not seen", "not tried: one before it got through"
    if press and press.accepted is None:
        return "not seen", press.why
    if press and not press.accepted:
        return "broken", press.why
    if end is None:
        return "not seen", "got through; the run was cut off"
    again = f"; services started again {plural(end.revivals, 'time')}" if end.revivals else ""
    if not end.complete:
        return (
            "broken",
            f"got through; {plural(end.presses, 'press', 'presses')} did not bring it to the end{again}",
        )
    if end.presses == 1:
        return "passed", "got through in one press"
    by_itself = press is not None and not press.failed and not press.stuck and not end.revivals
    return "passed" if by_itself else "broken", f"got through; needed {end.presses:,} presses{again}"
