"""The experiments that tell a rejection from a limit, made with the real trigger."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from harness.model.answer import Answer
from harness.model.request import Request
from harness.probes.walls.changes import Change, from_page_of, neutral
from harness.probes.walls.security import Experiments

PAUSE, LONGEST_PAUSE = 60.0, 120.0


class Trigger(Protocol):
    """What an experiment needs of the hand on a trigger."""

    @property
    def origin(self) -> str:
        """Scheme, host and port of the pages that its request would come from."""

    def build(self, users: int) -> bytes:
        """Its request for the first `users` users; nothing is sent."""

    def attempt(self, first: int, last: int, change: Change | None = None, segment: int = 0) -> Answer:
        """Presses it with users `first` to `last`."""

    def passed(self, answer: Answer) -> bool:
        """Whether an answer means that the trigger was not turned away."""


def experiments(trigger: Trigger, users: int, pause: Callable[[float], None]) -> Experiments:
    """All of them for a trigger that refuses `users` users. Each press goes through the scenario's own trigger, so
    it logs in and fetches its token as it always does."""
    half, last = max(1, users // 2), [Answer()]

    def press(first: int, to: int, change: Change | None = None) -> Callable[[], Answer]:
        def attempt() -> Answer:
            last[0] = trigger.attempt(first, to, change)
            return last[0]

        return attempt

    request = Request.of(trigger.build(users))
    return Experiments(
        full=press(0, users),
        one=press(0, 1),
        half=press(0, half),
        other_half=press(half, users) if users > 1 else None,
        neutral=press(0, users, neutral) if neutral(request) != request else None,
        own_origin=press(0, 1, from_page_of(trigger.origin)),
        pause=lambda: pause(_asked_for(last[0])),
        passed=trigger.passed,
    )


def _asked_for(answer: Answer) -> float:
    """Seconds to wait: what the answer's Retry-After asks for, else a minute."""
    wanted = answer.header("retry-after")
    return min(float(wanted), LONGEST_PAUSE) + 1 if wanted.isdecimal() else PAUSE
