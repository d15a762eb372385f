"""Single tries: one user at a time through the smallest real path, each with an id that was never used before."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from typing import Any

from harness.drive.client import UnexpectedAnswer
from harness.drive.curl import curl
from harness.drive.performance import Performance, Play, ServiceGone
from harness.errors import UsageError
from harness.model.event import Event
from harness.model.people import People, SyntheticUser
from harness.model.record import RecordWriter
from harness.model.scenario import Effect, Outcome, Scenario, Trigger
from harness.model.stage import Stage

TOLD_WITHIN = 5.0
MOST_REQUESTS = 3
FINAL = ("ok", "failed", "unknown")


class Unrecorded(RecordWriter):
    """Keeps nothing: a try is no press of the rehearsal."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def event(self, event: Event) -> None:
        """Forgets it."""

    def rows(self, table: str, **columns: Any) -> None:
        """Forgets them."""


class Attempts:
    """Tries on one stage that is thrown away. `first` is the first index whose id may be used."""

    def __init__(self, play: Play, stage: Stage, people: People, first: int) -> None:
        self._play, self._stage, self._people = play, stage, people
        self._fresh = count(first)
        self._triggers = play.scenario.triggers()
        self._own = type(play.scenario).attempt is not Scenario.attempt
        self._on = self._performance([])
        self.requests: list[str] = []
        """The last try as curl lines: the requests that carried the user."""
        self.last = ""
        """The id of the last try."""

    def attempt(self, data: Mapping[str, Any]) -> Outcome | None:
        """What becomes of a user with these data and a fresh id; None where that could not be seen.

        A service that ends meanwhile is started again. Raises TimeBudgetSpent.
        """
        user = self._with_fresh_id(data)
        self.last = user.id
        self._on.live.sent.clear()
        try:
            found = self._on.attempt(user) if self._own else self._by_pressing(user)
        except ServiceGone:
            self._on.revive(self._on.ended())
            return None
        except UsageError as problem:
            if isinstance(problem.__cause__, UnexpectedAnswer):
                return None  # turned away on the way to the batch: that says nothing of what the batch does
            raise
        carried = [
            request for request in self._on.live.sent if user.id in request.target + _text(request.body)
        ]
        self.requests = [curl(request) for request in carried[:MOST_REQUESTS]]
        return found

    def effects(self) -> list[Effect]:
        """What was done downstream for the last try. Raises UsageError where the scenario cannot tell."""
        return [effect for effect in self._on.effects() or [] if effect.item == self.last]

    def _by_pressing(self, user: SyntheticUser) -> Outcome | None:
        """seed(), the first trigger that gets through, and outcomes()."""
        self._on.play = replace(self._on.play, users=[user])
        self._on.seed(1)
        for trigger in list(self._triggers):
            if self._on.press(trigger, 1).accepted:
                self._prefer(trigger)
                break
        until = time.monotonic() + TOLD_WITHIN
        while True:
            said = next((told for told in self._on.outcomes() if told.item == user.id), None)
            if (said and said.said in FINAL) or time.monotonic() > until:
                return said
            time.sleep(0.05)

    def _prefer(self, trigger: Trigger) -> None:
        self._triggers.remove(trigger)
        self._triggers.insert(0, trigger)

    def _with_fresh_id(self, data: Mapping[str, Any]) -> SyntheticUser:
        """The same data under the id of somebody who takes no part."""
        other = self._people.twin(next(self._fresh))
        own = {name: other.data[name] for name in ("id", "uuid") if name in data and name in other.data}
        return SyntheticUser(other.index, other.id, {**data, **own})

    def _performance(self, users: list[SyntheticUser]) -> Performance:
        return Performance(replace(self._play, users=users, record=Unrecorded()), self._stage)


def _text(body: bytes) -> str:
    return body.decode(errors="replace")
