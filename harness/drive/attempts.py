"""Single tries: users through the smallest real path, each with an id that was never used before."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from threading import Lock
from typing import Any, TypeVar

from harness.drive.curl import curl
from harness.drive.messages import UnexpectedAnswer
from harness.drive.performance import Performance
from harness.drive.play import Play, ServiceGone
from harness.errors import UsageError
from harness.model.event import Event
from harness.model.people import People, SyntheticUser
from harness.model.record import RecordWriter
from harness.model.scenario import Effect, Outcome, Scenario
from harness.model.stage import Stage

TOLD_WITHIN = 5.0
LONGEST_PATIENCE = 10.0
MOST_REQUESTS = 3
FINAL = ("ok", "failed", "unknown")
T = TypeVar("T")


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
        self._on = self._performance()
        self._reviving = Lock()
        self.requests: list[str] = []
        """The last try as curl lines: the requests that carried the user."""
        self.last: SyntheticUser | None = None
        """The user of the last try, with the id that it had."""
        self.used: set[str] = set()
        """The ids of all tries."""

    def attempt(self, data: Mapping[str, Any]) -> Outcome | None:
        """What becomes of a user with these data and a fresh id; None where that could not be seen.

        A service that ends meanwhile is started again. Raises TimeBudgetSpent.
        """
        (outcome,) = self._told([self._with_fresh_id(data)])
        return outcome

    def round(self, round_of: Sequence[Mapping[str, Any]]) -> list[Outcome | None]:
        """Several tries at the same time: as one press, or each through `attempt()` with a client of its own, as many
        at once as the scenario bears. Whoever was not seen in company is tried alone."""
        users = [self._with_fresh_id(data) for data in round_of]
        if not users:
            return []
        if self._own:
            width = max(1, self._play.scenario.attempts_at_once)
            groups = [users[first : first + width] for first in range(0, len(users), width)]
        else:
            groups = [users]
        found = [outcome for group in groups for outcome in self._told(group)]
        return [
            outcome if outcome is not None or len(users) == 1 else self.attempt(data)
            for outcome, data in zip(found, round_of, strict=True)
        ]

    def _told(self, users: list[SyntheticUser]) -> list[Outcome | None]:
        self.last, self.requests = users[-1], []
        self.used |= {user.id for user in users}
        self._on.live.sent.clear()
        if not self._own:
            return self._guarded(self._on, lambda: self._by_pressing(users)) or [None] * len(users)
        if len(users) == 1:
            return [self._guarded(self._on, lambda: self._on.attempt(users[0]))]
        with ThreadPoolExecutor(len(users), "try") as pool:
            return list(pool.map(self._beside, users))

    def _beside(self, user: SyntheticUser) -> Outcome | None:
        on = self._performance()
        return self._guarded(on, lambda: on.attempt(user))

    def _guarded(self, on: Performance, work: Callable[[], T]) -> T | None:
        """What the work gives; None where the system under test did not let it come to that."""
        try:
            found = work()
        except ServiceGone:
            with self._reviving:
                on.revive(on.ended())
            return None
        except UsageError as problem:
            if isinstance(problem.__cause__, UnexpectedAnswer):
                return None  # turned away on the way to the batch: that says nothing of what the batch does
            raise
        mine = self.last.id if self.last else ""
        carried = [request for request in on.live.sent if mine in request.target + _text(request.body)]
        if carried:
            self.requests = [curl(request) for request in carried[:MOST_REQUESTS]]
        return found

    def effects(self) -> list[Effect]:
        """What was done downstream for the last try, and for whoever was never tried. Raises UsageError where the
        scenario cannot tell."""
        mine, rows = self.last.id if self.last else "", self._on.effects()
        if rows is None:
            raise UsageError(
                "effects() of the scenario gave None: what is really done downstream cannot be seen",
                expected="every effect that the downstream has, as Effect(item=...)",
                fix="let effects() read the downstream's own state; without it nobody can tell done from called done",
            )
        return [e for e in rows if e.item == mine or e.item not in self.used]

    def _by_pressing(self, users: list[SyntheticUser]) -> list[Outcome | None]:
        """seed(), the first trigger that gets through, and outcomes(). It is pressed again for whoever is left behind
        a user at whom the batch stops."""
        on = self._on
        on.play = replace(on.play, users=users)
        on.seed(len(users))
        said: dict[str, Outcome] = {}
        for _ in users:
            within = TOLD_WITHIN if self._press(len(users)) else 0.0
            before, said = len(said), self._final(users, within)
            if len(said) in (before, len(users)) or on.stuck:
                break
        return [said.get(user.id) for user in users]

    def _press(self, users: int) -> bool:
        """Whether one of the triggers got through, or perhaps did."""
        doubtful = False
        for trigger in list(self._triggers):
            accepted = self._on.press(trigger, users).accepted
            if accepted:
                self._triggers.remove(trigger)
                self._triggers.insert(0, trigger)
                return True
            doubtful |= accepted is None
        return doubtful

    def _final(self, users: list[SyntheticUser], within: float) -> dict[str, Outcome]:
        """What the batch says of them, once each of whom it speaks has come to an end, or time is up."""
        ids, until = {user.id for user in users}, time.monotonic() + within
        while True:
            said = {told.item: told for told in self._on.outcomes() if told.item in ids}
            final = all(told.said in FINAL for told in said.values())
            if (said and final) or time.monotonic() > until:
                return said
            time.sleep(0.05)

    def _with_fresh_id(self, data: Mapping[str, Any]) -> SyntheticUser:
        """The same data under the id of somebody who takes no part."""
        other = self._people.twin(next(self._fresh))
        own = {name: other.data[name] for name in ("id", "uuid") if name in data and name in other.data}
        return SyntheticUser(other.index, other.id, {**data, **own})

    def _performance(self) -> Performance:
        on = Performance(replace(self._play, users=[], record=Unrecorded()), self._stage)
        on.patience = min(on.patience, LONGEST_PATIENCE)
        return on


def _text(body: bytes) -> str:
    return body.decode(errors="replace")
