"""What the record holds over time and size, as plots: memory, time, rate, presses, size against outcome."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from harness.measures import series
from harness.measures.law import PAUSE, Law, Timed, duration, law, timed
from harness.model.events import Pressed, ScaleDone, ServiceEnded
from harness.model.finding import Finding
from harness.model.record import Record
from harness.report.plots import Band, Dots, Limit, Line, Mark, Plot, Point, Span
from harness.report.text import plural

MIB = 2**20
MOST_MARKS = 6
MOST_DOTS = 40


def memory(record: Record, findings: Sequence[Finding]) -> Iterator[Plot]:
    """One plot for each service whose memory was read: every scale, the limit where it is near, kills as marks."""
    for service in record.manifest.services:
        lines = []
        for style, scale in enumerate(record.manifest.scales[-4:]):
            held = series.memory(record, scale, service.name)
            if held is not None and held[0][-1] > 0:
                points = series.thin(*series.calm(held[0], held[1] / MIB))
                lines.append(Line(f"{scale}x", points, style))
        if not lines:
            continue
        highest = max(y for line in lines for _, y in line.points)
        limit = service.memory_limit / MIB
        near = [Limit(limit, f"limit {limit:,.0f} MiB")] if 0 < limit < 4 * highest else []
        growing = [f for f in findings if f.service == service.name and f.code.startswith("MEM-")]
        fit, told = _growth(record, service.name, growing)
        desc = (
            f"{service.name} held at most {highest:,.0f} MiB; its limit is {limit:,.0f} MiB. {told}".strip()
        )
        foretold = [
            Span(*at.interval) for at in (f.breaks_at for f in growing) if at and at.interval and near
        ]
        layers = [*foretold, *lines, *fit, *near, *_kills(record, service.name)]
        yield Plot(f"Memory of {service.name}", desc, "users worked on", "MiB held", layers, told=desc)


def time(record: Record) -> Plot | None:
    """Seconds at work against users: each scale, the law through them with its interval, the deadline if near."""
    runs = timed(record)
    if not runs:
        return None
    top = record.manifest.usual * record.manifest.scales[-1]
    layers: list[Line | Band | Dots | Limit] = []
    found = law(runs)
    if found is not None:
        at = np.linspace(0, top, 25)
        told = [found.seconds(float(users)) for users in at]
        layers.append(Band([(float(x), low, high) for x, (_, low, high) in zip(at, told, strict=True)]))
        layers.append(
            Line("law", [(float(x), middle) for x, (middle, _, _) in zip(at, told, strict=True)], "fit")
        )
    layers.append(Dots([(run.users, run.seconds) for run in runs]))
    deadline = record.manifest.deadline
    if deadline and deadline < 4 * max(run.seconds for run in runs):
        layers.append(Limit(deadline, "deadline"))
    return Plot("Time at work", "; ".join(finish(record)), "users", "seconds", layers)


def finish(record: Record) -> list[str]:
    """The law of time and the finish at the largest scale, in sentences."""
    runs = timed(record)
    found = law(runs)
    top = record.manifest.usual * record.manifest.scales[-1]
    told = [_law(found, runs, top)] if found else []
    if not found:
        came = "scale came to its end" if len(runs) == 1 else "scales came to their end"
        told.append(f"{len(runs)} {came}: no law is drawn through fewer than three")
    if runs and runs[-1].users == top:
        last = runs[-1]
        pressed = plural(last.presses, "press", "presses")
        told.append(f"{plural(top, 'user')} took {duration(last.seconds)} of work in {pressed}")
        if last.presses > 1:
            told.append(
                f"with {duration(PAUSE)} until somebody presses again, {duration(last.with_pauses)} in all"
            )
    if record.manifest.deadline:
        told.append(f"the deadline is {duration(record.manifest.deadline)}")
    return told


def _law(found: Law, runs: Sequence[Timed], top: int) -> str:
    fixed, per_user, square = found.terms
    power, low, high = found.exponent(runs[-1].users)
    seconds = found.seconds(top)
    shape = "a term in users² as well" if square else "no faster than the users"
    return (
        f"{duration(fixed)} fixed and {per_user * 1000:,.2f} ms a user, {shape}: seconds grow like"
        f" users^{power:.2f} ({low:.2f} to {high:.2f}); forecast for {top:,} users {duration(seconds[0])}"
        f" ({duration(seconds[1])} to {duration(seconds[2])})"
    )


def rate(record: Record) -> Plot | None:
    """Users a second over time, a line for each scale; ended services as marks of the largest scale."""
    lines: list[Line | Mark] = []
    told = []
    for style, scale in enumerate(record.manifest.scales[-4:]):
        worked = series.work(record, scale)
        if worked is None or worked.t[-1] <= 0:
            continue
        x, y = series.rate(worked)
        lines.append(Line(f"{scale}x", series.thin(x, y), style))
        told.append(f"{scale}x: {worked.users[-1] / worked.t[-1]:,.0f} users a second on average")
    if not lines:
        return None
    lines += _ends(record)
    return Plot("Rate", "; ".join(told), "seconds since the first press", "users a second", lines)


def presses(record: Record) -> Plot | None:
    """Users worked on after each press, a line for each scale."""
    lines = []
    for style, scale in enumerate(record.manifest.scales[-4:]):
        mine = [p for p in record.all(Pressed) if p.scale == scale and p.accepted]
        if mine:
            x, y = (
                np.array([p.press for p in mine], float),
                np.array([p.done + p.failed for p in mine], float),
            )
            lines.append(Line(f"{scale}x", [(0.0, 0.0), *series.thin(x, y)], style))
    if not lines:
        return None
    done = [d for d in record.all(ScaleDone) if d.presses]
    told = "; ".join(
        f"{d.scale}x: {plural(d.presses, 'press', 'presses')} for {plural(d.users, 'user')}" for d in done
    )
    return Plot("Presses until all are worked on", told, "press", "users worked on", lines)


def sizes(record: Record, findings: Sequence[Finding]) -> Plot | None:
    """Every size that was tried with each trigger: a ring where it got through, a cross where not, and the edges."""
    names: list[str] = []
    layers: list[Dots] = []
    for trigger in reversed(record.manifest.triggers):
        tried = {p.users: p.accepted for p in record.all(Pressed) if p.trigger == trigger and p.press == 1}
        walls = [
            f
            for f in findings
            if f.trigger == trigger and f.breaks_at and f.breaks_at.first_failing and f.hop
        ]
        for at in (finding.breaks_at for finding in walls):
            if at is not None and at.first_failing:
                tried.setdefault(at.first_failing, False)
                tried.setdefault(at.last_passing or 0, True)
        if not tried:
            continue
        row = len(names)
        names.append(f"{trigger}: {'; '.join(map(_edge, walls)) or 'no edge seen'}")
        for sign, accepted in (("ring", True), ("cross", False)):
            points: list[Point] = [(users, row) for users, was in tried.items() if was is accepted]
            layers.append(Dots(sorted(points)[-MOST_DOTS:], sign))
    if not names:
        return None
    desc = "Ring: the request got through. Cross: it was refused. " + "; ".join(reversed(names))
    return Plot("Size against outcome", desc, "users in one press", "", layers, names)


def _edge(wall: Finding) -> str:
    at = wall.breaks_at
    if at is None:
        return wall.hop
    limit = f" at {at.value:,.0f} {at.unit}" if at.value and at.unit else ""
    return f"{wall.hop}{limit}: {at.last_passing or 0:,} pass, {at.first_failing:,} do not"


def _growth(record: Record, service: str, growing: Sequence[Finding]) -> tuple[list[Line | Band], str]:
    """The line through the second half of the largest scale that shows growth, where a finding says that it grows."""
    scales = [int(name.rstrip("x")) for finding in growing for name in finding.counts if name.endswith("x")]
    held = series.memory(record, max(scales), service) if scales else None
    if held is None:
        return [], ""
    x, y = held[0], held[1] / MIB
    ends = [end.done + end.failed for end in record.all(ServiceEnded) if end.service == service
            and end.scale == max(scales)]  # fmt: skip
    last = min([float(x[-1]), *ends])
    keep = (x >= (x[0] + last) / 2) & (x < last if ends else x <= last)
    if keep.sum() < 8 or np.ptp(x[keep]) == 0:
        return [], ""
    slope, level = np.polyfit(x[keep], y[keep], 1)
    spread = 2 * float(np.std(y[keep] - (slope * x[keep] + level)))
    drawn = [(float(at), float(slope * at + level)) for at in (x[keep][0], last)]
    told = f"Fitted: {slope * 1024:,.1f} KiB a user at {max(scales)}x."
    return [Band([(at, y - spread, y + spread) for at, y in drawn]), Line("fitted", drawn, "fit")], told


def _kills(record: Record, service: str) -> list[Mark]:
    ended = [end for end in record.all(ServiceEnded) if end.service == service and end.scale]
    return [Mark(end.done + end.failed, _word(end)) for end in ended[:MOST_MARKS]]


def _ends(record: Record) -> list[Mark]:
    scale = record.manifest.scales[-1]
    worked = series.work(record, scale)
    ended = [end for end in record.all(ServiceEnded) if end.scale == scale and worked]
    return [Mark(end.t - worked.began, f"{end.service} {_word(end)}") for end in ended[:MOST_MARKS] if worked]


def _word(end: ServiceEnded) -> str:
    return f"killed at {end.scale}x" if end.oom_killed else f"ended at {end.scale}x"
