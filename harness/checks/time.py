"""Whether the batch comes to its end in time: growth beyond the number of users, and the scenario's deadline.

TIME-001 asks for much at once, since a shared machine slows down by itself: three scales or more that came to their
end, a square term that the criterion clearly wants, an exponent whose interval stays above one, and a user who costs
more at each of the last two steps; and all of that again in the parts of each run that ran quickest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from math import log
from typing import TypeAlias

from harness.checks.place import batch_of
from harness.checks.showing import at_scales
from harness.measures.law import PAUSE, Calls, Law, Timed, calls, duration, law, timed
from harness.model.events import NotSeen, ScaleDone
from harness.model.finding import BreaksAt, Evidence, Finding, fingerprint
from harness.model.record import Record

LEAST_GAIN = 8.0
LEAST_EXPONENT = 1.15
LEAST_STEP = 1.08
LEAST_SECONDS = 1.0
GREW = 1.5
Heard: TypeAlias = "tuple[Calls | None, Calls | None]"
TOO_MUCH_WORK = (
    "the batch is at work for longer than it may take",
    "Start earlier, split the users, or let the batch work on several at once.",
)
TOO_MANY_PRESSES = (
    f"the work fits, but each further press comes {PAUSE:,.0f} s later: somebody must see the end and press again",
    "Let one press go on behind an item that fails; else have the next press made by a machine.",
)


def check(record: Record) -> Iterator[Finding | NotSeen]:
    """TIME-001 for growth faster than the users, TIME-002 for a deadline that is missed."""
    runs = timed(record)
    found = law(runs)
    if found is None and record.all(ScaleDone):
        why = f"{len(runs)} of the scales came to their end, and a law needs three"
        yield NotSeen(probe="how time grows with the users", why=why, decisive=False)
    if found is not None and _superlinear(runs):
        yield _growth(record, found, runs)
    if record.manifest.deadline:
        yield from _unended(record)
        yield from _deadline(record, record.manifest.deadline, found, runs)


def _superlinear(runs: Sequence[Timed]) -> bool:
    """Whether it grows, in all the seconds and in those that nothing disturbed, where those were read."""
    return _grows(runs) and _grows([replace(run, seconds=run.undisturbed or run.seconds) for run in runs])


def _grows(runs: Sequence[Timed]) -> bool:
    found = law(runs)
    if found is None or runs[-1].seconds < LEAST_SECONDS:
        return False
    each = [run.seconds / run.users for run in runs[-3:]]
    steady = all(later > LEAST_STEP * before for before, later in pairwise(each))
    return steady and found.gain >= LEAST_GAIN and found.exponent(runs[-1].users)[1] >= LEAST_EXPONENT


def _growth(record: Record, found: Law, runs: Sequence[Timed]) -> Finding:
    first, top = runs[0], runs[-1]
    power, low, high = found.exponent(top.users)
    service = batch_of(record)
    heard = calls(record, first), calls(record, top)
    what, cause, advice = _grew(first, top, heard)
    doubled = found.seconds(2 * top.users)
    return Finding(
        code="TIME-001",
        id=fingerprint("TIME-001", service),
        severity="medium",
        title=f"Time grows like users^{power:.1f}: {what}"[:80],
        service=service,
        evidence=[
            Evidence(
                "time",
                f"around {top.users:,} users seconds grow like users^{power:.2f} ({low:.2f} to {high:.2f})",
            ),
            *(Evidence("time", _row(run)) for run in runs),
            Evidence(
                "time",
                f"forecast for {2 * top.users:,} users: {doubled[0]:,.0f} s at work"
                f" ({doubled[1]:,.0f} to {doubled[2]:,.0f}); each run is taken as known to 15 %",
            ),
            _downstream(heard),
        ],
        cause=cause,
        advice=advice,
        reproduce=at_scales(record, *(run.scale for run in runs)),
    )


def _downstream(heard: Heard) -> Evidence:
    first, top = heard
    if first is None or top is None:
        return Evidence("tap", "no tap listened: `--tap on` tells calls a user from the time of a call")
    return Evidence(
        "tap",
        f"calls downstream: {first.a_user:,.2f} a user became {top.a_user:,.2f};"
        f" one took {1000 * first.seconds:,.1f} ms and then {1000 * top.seconds:,.1f} ms (medians)",
    )


def _grew_downstream(first: Calls, top: Calls) -> tuple[str, str, str] | None:
    """What grew on the wire by half or more: the calls of a user, or the time of a call."""
    if top.a_user > GREW * first.a_user:
        return (
            f"{first.a_user:,.1f} calls a user became {top.a_user:,.1f}",
            "the batch asks its downstream more often for each user the more users there are",
            "Fetch once what all users share, and ask for many users in one call.",
        )
    if top.seconds > GREW * first.seconds:
        return (
            f"{1000 * first.seconds:,.1f} ms a call became {1000 * top.seconds:,.1f}",
            "the downstream answers the slower the more it has done: it searches what has grown",
            "Look at the downstream with as many entries: an index that is missing, a list that is read whole.",
        )
    return None


def _grew(first: Timed, top: Timed, heard: Heard) -> tuple[str, str, str]:
    """What of it grew (words for the title), the cause and the advice: the presses, the calls of a user, the time
    of a call, the press, or the user."""
    span = log(top.users / first.users)
    if first.presses and log(top.presses / first.presses) / span > LEAST_EXPONENT:
        return (
            f"{first.presses:,} presses became {top.presses:,}",
            "the button must be pressed more often for each user the more users there are",
            "Let one press go on behind an item that fails; the presses are what grows.",
        )
    before, after = heard
    told = _grew_downstream(before, after) if before and after else None
    if told:
        return told
    if top.presses > 1:
        return (
            "each press costs more",
            "every press does work for all users, also for those who are done",
            "Have a press start where the last one ended, and look up only what is open.",
        )
    return (
        f"{1000 * first.seconds / first.users:,.1f} ms a user became {1000 * top.seconds / top.users:,.1f}",
        "the work for one user depends on how many others there are: a list that is searched, a query without an"
        " index, a page that is read again",
        "Profile one user at the largest scale, and look for what is read or searched for every user.",
    )


def _unended(record: Record) -> Iterator[NotSeen]:
    for done in record.all(ScaleDone):
        if not done.complete:
            yield NotSeen(
                probe=f"the deadline at {done.scale}x", why="the batch did not come to its end there"
            )


def _deadline(record: Record, deadline: float, found: Law | None, runs: Sequence[Timed]) -> Iterator[Finding]:
    late = [run for run in runs if run.with_pauses > deadline]
    if not late:
        return
    alone = [run for run in runs if run.seconds > deadline]
    first, top, service = (alone or late)[0], late[-1], batch_of(record)
    passing = max((run.users for run in runs if run.users < first.users), default=None)
    users, how = first.users, "measured at each scale"
    if found and alone:
        users = _first_late(found, deadline, passing or 0, first.users)
        how += ", between them by the law of time"
    cause, advice = TOO_MUCH_WORK if alone else TOO_MANY_PRESSES
    yield Finding(
        code="TIME-002",
        id=fingerprint("TIME-002", service),
        severity="high" if alone else "medium",
        title=f"{top.users:,} users need {duration(top.with_pauses)}: the deadline is {duration(deadline)}"[
            :80
        ],
        service=service,
        breaks_at=BreaksAt(
            users=users,
            value=deadline,
            unit="seconds",
            last_passing=passing,
            first_failing=first.users,
            method=how,
        ),
        counts={f"{run.scale}x": run.users for run in late},
        evidence=[Evidence("time", _row(run)) for run in runs],
        cause=cause,
        advice=advice,
        reproduce=at_scales(record, first.scale),
    )


def _first_late(found: Law, deadline: float, passing: int, failing: int) -> int:
    """The first number of users that is late by the law, between the one seen to pass and the one seen to fail."""
    within = found.users_within(deadline, failing) or 0
    return min(max(within, passing) + 1, failing)


def _row(run: Timed) -> str:
    pauses = (
        f"; {duration(run.with_pauses)} with {PAUSE:,.0f} s before each further press"
        if run.presses > 1
        else ""
    )
    presses = f"{run.presses:,} {'press' if run.presses == 1 else 'presses'}"
    return f"{run.scale}x: {run.seconds:,.1f} s at work for {run.users:,} users in {presses}{pauses}"
