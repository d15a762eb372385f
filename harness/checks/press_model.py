"""How often the button must be pressed, foretold from the first press.

q is the share of items that fail. Of a first press that ended at its first failure, `done` items succeeded and
`failed` (one) did not, and the rest is left: the presses to come are one for each failing item among the rest, and
one that comes to the end. That is 1 + n*q/(1-q) in all. A first press that went on past failures leaves `failed`
items; where a press takes them up again and each fails again with probability q, all are through after k more
presses with probability (1 - q^k)^failed.

What is known of q is the distribution Beta(failed, done + 1): for a press that ended at its first failure its lower
end is the exact one, whatever q is, and an interval from few items is as wide as it must be.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Model = Literal["the same users fail again", "failures come and go"]
Numbers = NDArray[np.int64]

DRAWS = 20_000
SHARE = 0.95


class Seen(Struct, frozen=True):
    """What a press, or several, left: items done, failed, and not reached; `landed` of the failed were done
    nevertheless."""

    done: int
    failed: int
    left: int
    landed: int = 0


class Forecast(Struct, frozen=True):
    """A number foretold: its 95 % interval and median, under one model of the failures."""

    model: Model
    low: int
    median: int
    high: int

    def covers(self, real: int) -> bool:
        """Whether the number that came lies in the interval."""
        return self.low <= real <= self.high

    def __str__(self) -> str:
        return f"{self.low:,} to {self.high:,}" if self.low < self.high else f"{self.low:,}"


def presses(seen: Seen, pressed: int = 1) -> list[Forecast]:
    """The presses until all is done, those of `seen` included, under each model."""
    if not seen.failed:
        return [Forecast("the same users fail again", pressed, pressed, pressed)]
    chance, share = _share(seen)
    if seen.left:
        same = chance.binomial(seen.left, share)
        again = chance.negative_binomial(seen.left + seen.failed, 1 - share)
        # The last press, which comes to the end, is one more unless the very last item fails.
        stops = _forecast("the same users fail again", pressed + np.maximum(same, 1), 0, 1)
        return [stops, _forecast("failures come and go", pressed + again + 1)]
    return [
        Forecast("the same users fail again", pressed, pressed, pressed),
        _forecast("failures come and go", pressed + _until_all(chance, share, seen.failed)),
    ]


def more_users(seen: Seen, pressed: int, users: int) -> Forecast:
    """The presses for `users`, foretold from a smaller run that stops at each failure and came to its end:
    the users of that run fail again, and the new ones fail as often."""
    chance, share = _share(seen)
    new = chance.binomial(users - seen.done - seen.failed, share)
    return _forecast("the same users fail again", pressed + new, 1, 1)


def duplicates(seen: Seen) -> list[Forecast]:
    """The effects too many once all is done, where a press takes failed items up again and nothing downstream
    refuses the second: those that had landed, and those of the failures still to come. Under the other model
    they come with every press again; here, with the next one."""
    if not seen.landed:
        return [Forecast("failures come and go", 0, 0, 0)]
    chance, share = _share(seen)
    later = chance.negative_binomial(seen.failed, 1 - share)
    landing = chance.beta(seen.landed + 0.5, seen.failed - seen.landed + 0.5, DRAWS)
    return [
        Forecast("the same users fail again", seen.landed, seen.landed, seen.landed),
        _forecast("failures come and go", seen.landed + chance.binomial(later, landing)),
    ]


def _share(seen: Seen) -> tuple[np.random.Generator, NDArray[np.float64]]:
    chance = np.random.default_rng((seen.done, seen.failed, seen.left))
    return chance, np.clip(chance.beta(seen.failed, seen.done + 1, DRAWS), 1e-9, 1 - 1e-9)


def _until_all(chance: np.random.Generator, share: NDArray[np.float64], failed: int) -> Numbers:
    """Further presses until each of `failed` items has succeeded once: the largest of as many geometric draws."""
    last = np.log1p(-(chance.random(DRAWS) ** (1 / failed))) / np.log(share)
    return np.maximum(1, np.ceil(last)).astype(np.int64)


def _forecast(model: Model, draws: Numbers, below: int = 0, above: int = 0) -> Forecast:
    low, median, high = np.quantile(draws, [(1 - SHARE) / 2, 0.5, (1 + SHARE) / 2], method="inverted_cdf")
    return Forecast(model, int(low) - below, int(median), int(high) + above)
