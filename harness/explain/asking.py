"""Asks the world about single users: within a budget, each question once, and as often as flakes make necessary."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import log
from typing import Any

Data = Mapping[str, Any]
Told = str | None
"""What became of one try: "" passed, a failure's signature, None where it could not be tried or seen."""
Ask = Callable[[Sequence[Data]], list[Told]]
"""Tries users with these data, each with a fresh id; those of one round may be tried at the same time."""

Key = tuple[tuple[str, str], ...]

SURE = log(60)
"""The odds at which a question counts as answered."""
MOST_TRIES = 9
RELIABLE = 0.005


class BudgetSpent(Exception):
    """No calls are left."""


@dataclass
class Budget:
    """Calls that may still be made, as long as `open` says so: there may be an end of time too."""

    calls: int = 150
    used: int = 0
    open: Callable[[], bool] = lambda: True

    @property
    def left(self) -> int:
        """How many are left."""
        return self.calls - self.used


@dataclass
class Asker:
    """Questions about one failure signature.

    failing   how often somebody passes who ought to fail
    passing   how often somebody fails who ought to pass
    """

    ask: Ask
    budget: Budget
    signature: str
    failing: float = RELIABLE
    passing: float = RELIABLE
    _known: dict[Key, bool | None] = field(default_factory=dict)
    _tries: dict[Key, list[int]] = field(default_factory=dict)

    def fails(self, data: Data) -> bool | None:
        """Whether a user with these data fails in this very way. None: they fail otherwise, or cannot be tried."""
        return self.all([data])[0]

    def all(self, round_of: Sequence[Data]) -> list[bool | None]:
        """The same for several at once. Raises BudgetSpent."""
        keys = [_key(data) for data in round_of]
        new = {key: data for key, data in zip(keys, round_of, strict=True) if key not in self._known}
        odds = dict.fromkeys(new, 0.0)
        for _ in range(MOST_TRIES):
            unsure = [key for key in new if key not in self._known]
            if not unsure:
                break
            for key, told in zip(unsure, self.try_once([new[key] for key in unsure]), strict=True):
                self._weigh(key, told, odds)
        for key in new:
            self._known.setdefault(key, odds[key] > 0)
        return [self._known[key] for key in keys]

    def try_once(self, round_of: Sequence[Data]) -> list[Told]:
        """One call for each, and no more. Raises BudgetSpent."""
        if self.budget.left < len(round_of) or not self.budget.open():
            raise BudgetSpent
        self.budget.used += len(round_of)
        return self.ask(round_of)

    def tally(self, data: Data) -> tuple[int, int]:
        """How often a user with these data failed in this way, and how often it was tried."""
        hits, tries = self._tries.get(_key(data), [0, 0])
        return hits, tries

    def _weigh(self, key: Key, told: Told, odds: dict[Any, float]) -> None:
        tally = self._tries.setdefault(key, [0, 0])
        tally[0] += told == self.signature
        tally[1] += 1
        if told == self.signature:
            odds[key] += log((1 - self.failing) / self.passing)
        elif told == "":
            odds[key] -= log((1 - self.passing) / self.failing)
        else:
            self._known[key] = None
        if abs(odds[key]) >= SURE:
            self._known[key] = odds[key] > 0


def _key(data: Data) -> Key:
    return tuple((name, repr(value)) for name, value in sorted(data.items()))
