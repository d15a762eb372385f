"""The phases of a rehearsal, and how long each may take at most.

    build ─▶ up ─▶ seed ─▶ press ─▶ collect ─▶ teardown ─▶ report
             └────── again on each fresh stage ──────┘

Each time a phase begins it gets one deadline on the monotonic clock: its own limit, and never later than the end of
the time budget. What still goes on then is ended, and the rehearsal with it. `harness.cli.budget` keeps the clock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from harness.errors import UsageError
from harness.model.quantity import parse_duration

LEAST = 30.0
"""No share of a small budget is shorter than these seconds."""


@dataclass(frozen=True)
class Phase:
    """What is done in it, its limit where none is asked for (a share of the budget, and at most so many seconds), and
    why it is late most often."""

    doing: str
    share: float
    most: float
    cause: str
    look: str


PHASES = {
    "build": Phase(
        "building the images",
        1 / 3,
        3600,
        "a step of a Dockerfile waits for something that does not come: the network, a prompt, a lock",
        "build that image by hand and look where it stands",
    ),
    "up": Phase(
        "bringing the services up",
        1 / 3,
        3600,
        "a service does not get ready and has a long `ready_within`, or the engine does not answer",
        "start the stage by hand, or look at the engine",
    ),
    "seed": Phase(
        "putting the users in",
        1 / 3,
        3600,
        "seed() waits for an answer that does not come, or puts the users in one by one",
        "give what it calls a time-out, or let it put in many at once",
    ),
    "press": Phase(
        "the batch at work",
        1.0,
        24 * 3600,
        "the batch hangs, or is slow",
        "look at the batch's log for where it stands, or rehearse with fewer --scales",
    ),
    "collect": Phase(
        "reading back what became of the users",
        1 / 3,
        3600,
        "outcomes() or effects() waits for an answer that does not come, or reads item by item",
        "give what it calls a time-out, or let it read many at once",
    ),
    "teardown": Phase(
        "taking the services down",
        1 / 3,
        60,
        "the engine does not answer, or a service withstands its end",
        "the watchdog goes on trying for two minutes; then `rehearse gc`",
    ),
    "report": Phase(
        "judging and writing the reports",
        1 / 3,
        600,
        "a record of very many users, or a machine that has too little CPU for it",
        "the record is whole: judge it again, with no engine",
    ),
}
Enter = Callable[[str], AbstractContextManager[None]]
"""Enters the phase of that name: it ends, and its clock with it, at the end of the `with`."""


def unbounded(name: str) -> AbstractContextManager[None]:
    """Enters a phase where nobody keeps the clock."""
    return nullcontext()


def limits(budget: float, asked: Mapping[str, float]) -> dict[str, float]:
    """The limit of each phase in seconds, of so large a budget: what is asked for, else its share."""
    return {
        name: min(budget, asked.get(name, min(phase.most, max(LEAST, phase.share * budget))))
        for name, phase in PHASES.items()
    }


def parse_limits(text: str) -> dict[str, float]:
    """{"build": 1200.0} of "build=20m". Raises UsageError."""
    found = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, duration = (word.strip() for word in part.partition("="))
        if name not in PHASES or not duration:
            raise UsageError(
                f"--within has {part!r}",
                expected=f"a phase and its longest time, such as seed=10m; the phases: {', '.join(PHASES)}",
                fix="write it so, several separated by commas",
            )
        found[name] = parse_duration(duration, what=f"--within {name}")
    return found
