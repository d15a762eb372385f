"""Users as Hypothesis draws them, each through the batch alone; what fails is explained, a line for each cause."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded

from harness.checks.kinds import PHANTOM
from harness.checks.verdicts import GOOD
from harness.drive.attempts import Attempts
from harness.explain import Budget, Seen, explain
from harness.fuzzing.cases import Case
from harness.fuzzing.ground import Ground
from harness.fuzzing.weighing import weigh
from harness.model.causes import Cause, signature
from harness.model.people import SyntheticUser
from harness.population import Population
from harness.population.edges.catalogue import BY_NAME
from harness.population.strategies import users

MOST_TRIES_TO_EXPLAIN = 100
POISONED = "stuck: nobody gets through after this user"
TO_DRAW = 0.5
"""The part of the time in which users are drawn; the rest is for explaining what failed."""


@dataclass(frozen=True)
class Fuzzed:
    """The distinct causes among the users drawn, how many were tried until time was up, and those of whom nobody
    could tell what became of them."""

    cases: list[Case]
    tried: int
    unseen: list[SyntheticUser]


def fuzz_users(ground: Ground, people: Population, examples: int, until: float) -> Fuzzed:
    """Draws so many users, as far as time goes, and explains what failed.

    A user who carries a value that should be refused may be refused; one who carries none may not.
    """
    tries, now = Tries(ground), time.monotonic()
    tried, told = _draw(tries, people, examples, now + TO_DRAW * (until - now))
    unseen = [user for user, word in zip(tried, told, strict=True) if word is None]
    words = [None if _may_be_refused(word, user) else word for user, word in zip(tried, told, strict=True)]
    budget = Budget(MOST_TRIES_TO_EXPLAIN, open=lambda: time.monotonic() < until)
    cases: list[Case] = []
    by_data: set[int] = set()
    for dear in (False, True):  # a user who ends the stage costs as much as a dozen others: asked about last
        chosen = [word if not word or (word == POISONED) == dear else None for word in words]
        found = explain(Seen(tried, chosen, people.twin), lambda all_: [*map(tries.once_more, all_)], budget)
        cases += map(_case, found.causes)
        by_data |= found.by_data
    left = {word: user for user, word in zip(tried, words, strict=True) if word and user.index not in by_data}
    cases += [
        Case(kind="user", sentence=f"a user ends as {word}", verdict=word, data=dict(user.data))
        for word, user in left.items()
    ]
    return Fuzzed(cases, len(tried), unseen)


def _draw(
    tries: Tries, people: Population, examples: int, until: float
) -> tuple[list[SyntheticUser], list[str | None]]:
    """Users as Hypothesis draws them, and what became of each."""
    tried: list[SyntheticUser] = []
    words: list[str | None] = []

    @seeded(people.seed)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(users(people))
    def one(user: SyntheticUser) -> None:
        if time.monotonic() < until:
            tried.append(user)
            words.append(tries.once_more(user.data))

    one()
    return tried, words


def _case(cause: Cause) -> Case:
    return Case(
        kind="user",
        sentence=cause.sentence,
        verdict=cause.signature,
        data=cause.smallest or cause.example,
        passing=cause.passing,
    )


class Tries:
    """Single tries in the checker's words. A stage on which nobody passes any more is left."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._attempts: Attempts | None = None
        self._strangers: set[str] = set()

    def once_more(self, data: Mapping[str, Any]) -> str | None:
        """One try: "" for done once, else the verdict and the failure's signature; None where it was not seen."""
        attempts = self._attempts or self._fresh()
        outcome = attempts.attempt(data)
        if outcome is None or attempts.last is None:
            return self._leave(POISONED) if self._poisoned(attempts) else None
        done = [effect for effect in attempts.effects() if effect.item not in self._strangers]
        account = weigh(self._ground.play.scenario, [attempts.last], [outcome], done)
        word = account.verdict_of()[attempts.last.id]
        if account.deeds.strangers:
            return self._leave(PHANTOM)
        if word == "stuck":
            self._leave(word)
        if word in GOOD and word != "failed-clean":
            return ""
        return signature(word, outcome.detail, data.values())

    def _fresh(self) -> Attempts:
        self._attempts = self._ground.attempts()
        self._strangers = {effect.item for effect in self._attempts.effects()}
        return self._attempts

    def _poisoned(self, attempts: Attempts) -> bool:
        """Whether an ordinary user does not get through any more either."""
        ordinary = self._ground.take(1)[0]
        return attempts.attempt(ordinary.data) is None

    def _leave(self, word: str) -> str:
        self._attempts = None
        self._ground.leave()
        return word


def _may_be_refused(word: str | None, user: SyntheticUser) -> bool:
    refused = word is not None and word.startswith("failed-clean")
    return refused and any(BY_NAME[label].sort != "valid" for label in user.edges)
