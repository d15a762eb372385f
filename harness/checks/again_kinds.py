"""The sentences around what comes of pressing again."""

from __future__ import annotations

from harness.checks.kinds import Kind
from harness.model.events import AgainKind

_KEY = "Send a key made once per item and stored before the call, and have the downstream refuse it twice."

TWICE: dict[AgainKind, Kind] = {
    "complete": Kind(
        "DUP-003",
        "critical",
        "Pressing again once all is done does {n:,} of {all:,} users again",
        "the batch does not look at what it has done already, and the downstream takes it twice",
        f"Leave out what is done, and let nobody but the downstream decide what that is. {_KEY}",
    ),
    "changed": Kind(
        "DUP-008",
        "critical",
        "After more users came in, pressing again does {n:,} of {all:,} users twice",
        "a list that has changed counts as another job, and the batch begins it from the start",
        f"Keep for each item, and not for the list, whether it was done. {_KEY}",
    ),
    "double": Kind(
        "DUP-004",
        "critical",
        "Pressing twice at once does {n:,} of {all:,} users twice",
        "nothing keeps a second run from starting, and both take up the same items",
        f"Take a lock that outlives the process, or claim each item with one update. {_KEY}",
    ),
    "running": Kind(
        "DUP-005",
        "critical",
        "Pressing while it runs does {n:,} of {all:,} users twice",
        "nothing keeps a second run from starting, and it takes up what the first is at",
        f"Take a lock that outlives the process, or claim each item with one update. {_KEY}",
    ),
    "kill": Kind(
        "DUP-006",
        "critical",
        "After {service} is killed, pressing again does {n:,} of {all:,} users twice",
        "the batch takes up again what the downstream had done already when it was cut off",
        _KEY,
    ),
    "oom": Kind(
        "DUP-006",
        "critical",
        "After {service} ran out of memory, pressing again does {n:,} of {all:,} twice",
        "the batch takes up again what the downstream had done already when it was cut off",
        _KEY,
    ),
    "late": Kind(
        "DUP-007",
        "critical",
        "After {service} answered too late, {n:,} of {all:,} users are done twice",
        "an item that timed out is sent again, though the first one lands after all",
        f"Take a time-out for 'perhaps done', and ask before sending again. {_KEY}",
    ),
    "dropped": Kind(
        "DUP-020",
        "critical",
        "After a lost answer of {service}, {n:,} of {all:,} users are done twice",
        "the downstream had done it, its answer was lost, and the next press sends it again",
        _KEY,
    ),
    "doubled": Kind(
        "DUP-021",
        "high",
        "A request that is delivered twice is done twice: {n:,} of {all:,} users",
        "the downstream cannot tell a second delivery from a second order, as of a proxy that tries again",
        _KEY,
    ),
}
TROUBLE: tuple[AgainKind, ...] = ("hung", "reset", "error", "limit", "down")
TWICE |= {
    kind: Kind(
        "DUP-022",
        "critical",
        "{n:,} of {all:,} users are done twice {when}",
        "the batch sends again what it cannot know to have failed",
        _KEY,
    )
    for kind in TROUBLE
}

WHEN: dict[AgainKind, str] = {
    "complete": "when pressed to the end",
    "changed": "after more users came in",
    "double": "when pressed twice at once",
    "running": "when pressed while it runs",
    "kill": "after {service} is killed",
    "late": "after {service} is late",
    "hung": "after {service} did not answer",
    "reset": "after {service} cut them off",
    "error": "after {service} answered 503",
    "limit": "after {service} answered 429",
    "dropped": "after a lost answer",
    "doubled": "after a double delivery",
    "down": "after {service} was down",
    "oom": "after {service} ran out of memory",
}
BROKEN: dict[str, Kind] = {
    "falsely-ok": Kind(
        "LOST-003",
        "critical",
        "{n:,} of {all:,} users are called done, falsely, {when}",
        "the batch takes something else than the effect for success",
        "Mark an item done only after the downstream has confirmed that very item.",
    ),
    "corrupted": Kind(
        "ITEM-011",
        "critical",
        "{n:,} of {all:,} users get what was not due {when}",
        "two runs, or a run cut off, mix what belongs to different users or steps",
        "Let one run at a time work on an item, from reading it to storing its end.",
    ),
    "falsely-failed": Kind(
        "ITEM-012",
        "high",
        "{n:,} of {all:,} users are done, yet called failed, {when}",
        "the downstream did it, and its answer did not arrive",
        "Ask the downstream before calling such an item failed; whoever sends it again by hand pays it twice.",
    ),
    "stuck": Kind(
        "ITEM-013",
        "high",
        "{n:,} of {all:,} users stay in work for ever {when}",
        "the item that was in work is neither taken up again nor given back",
        "At the start, find what an earlier run left in work, ask the downstream, and take it up or close it.",
    ),
    "half-done": Kind(
        "ITEM-014",
        "high",
        "{n:,} of {all:,} users stay half done {when}",
        "an item takes several steps, and nothing takes the first back or goes on with the next",
        "Make the steps one transaction, or store which were done and go on from there.",
    ),
    "lost": Kind(
        "ITEM-015",
        "high",
        "{n:,} of {all:,} users are lost, with an unknown end, {when}",
        "the batch does not know what became of them, and no press finds out",
        "Ask the downstream for each of them, and take up those it does not have.",
    ),
    "failed-clean": Kind(
        "STOP-004",
        "medium",
        "{n:,} of {all:,} users stay failed {when}",
        "a press passes over what has failed, whatever the reason was",
        "Let a press take up what failed for a reason that has passed, once the downstream refuses doubles.",
    ),
}

REFUSED = Kind(
    "STOP-003",
    "high",
    "No press gets {n:,} of {all:,} users through any more {when}",
    "the batch believes that the run that was cut off still goes on",
    "Let a run that no longer lives be taken over: a lease that ends, or a look at start.",
)
NOT_TAKEN_UP = Kind(
    "STOP-006",
    "high",
    "{n:,} users are never begun: they came in after the first press",
    "the batch keeps the list that it was started with",
    "Read who is due at each press.",
)
VANISHED = Kind(
    "LOST-004",
    "critical",
    "{n:,} effects vanish when {service} is killed",
    "the downstream answered before what it did was safe on disk",
    "Answer only after the commit has been written through.",
)
PRESSES = Kind(
    "STOP-005",
    "medium",
    "The button must be pressed {n:,} times until all users are through",
    "a press goes on behind a failing item, and takes the failed up only when it is pressed again",
    "Try a failed item again in the same run, a few times and with pauses, before calling it failed.",
)
