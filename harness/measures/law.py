"""The law of time: how the seconds of a batch grow with its users, from one measured run at each scale.

    seconds = fixed + per_user * n + square * n^2        (each at least 0)

Terms are kept by an information criterion (AIC with known errors: a run is taken as known to 15 %, which is what a
shared machine does to it), so that a curve through noise costs more than it explains. Intervals are those of 200
redraws of the runs within that error. One finish is foretold for any number of users, with its interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from harness.measures import series
from harness.model.events import ScaleDone
from harness.model.record import Record

Floats = NDArray[np.float64]

KNOWN_TO = 0.15
REDRAWS = 200
PAUSE = 60.0


@dataclass(frozen=True)
class Timed:
    """One scale that was worked through to its end: `seconds` the batch was at work, in so many presses.
    `undisturbed`: the same without what slowed it for a while only, where it was read."""

    scale: int
    users: int
    seconds: float
    presses: int
    undisturbed: float | None = None

    @property
    def with_pauses(self) -> float:
        """Seconds until it is done, where somebody presses again a minute after each end."""
        return self.seconds + PAUSE * (self.presses - 1)


@dataclass(frozen=True)
class Law:
    """The terms kept, and those of each redraw. `gain`: by how much the criterion prefers the square term (> 0)."""

    terms: tuple[float, float, float]
    redrawn: tuple[tuple[float, float, float], ...]
    gain: float

    def seconds(self, users: float) -> tuple[float, float, float]:
        """(seconds, low, high) for so many users; the interval is one of 95 %."""
        low, high = np.quantile([_at(terms, users) for terms in self.redrawn], [0.025, 0.975])
        return _at(self.terms, users), float(low), float(high)

    def exponent(self, users: float) -> tuple[float, float, float]:
        """(p, low, high): around so many users, the seconds grow like users^p."""
        low, high = np.quantile([_power(terms, users) for terms in self.redrawn], [0.025, 0.975])
        return _power(self.terms, users), float(low), float(high)

    def users_within(self, seconds: float, most: int) -> int | None:
        """The largest number of users up to `most` that is done in `seconds`; None where not even one is."""
        low, high = 0, most
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if _at(self.terms, middle) <= seconds else (low, middle - 1)
        return low or None


def timed(record: Record) -> list[Timed]:
    """The scales that came to their end, ascending."""
    return sorted(
        (
            Timed(done.scale, done.users, done.batch_seconds, done.presses, _undisturbed(record, done))
            for done in record.all(ScaleDone)
            if done.complete and done.presses and done.batch_seconds > 0
        ),
        key=lambda one: one.users,
    )


@dataclass(frozen=True)
class Calls:
    """What the tap heard downstream at one scale: requests a user, and the seconds of one (the median)."""

    a_user: float
    seconds: float


def calls(record: Record, run: Timed) -> Calls | None:
    """The calls of one scale, or None where no tap listened. A long journal is cut off: its own count goes on."""
    heard, seconds = 0, list[float]()
    for chunk in record.chunks(f"exchanges-{run.scale}"):
        heard = max([heard, *(n for n in chunk.get("n", []) if n is not None)])
        seconds += [spent for spent in chunk.get("seconds", []) if spent is not None]
    return Calls(heard / run.users, float(np.median(seconds))) if heard and seconds else None


def _undisturbed(record: Record, done: ScaleDone) -> float | None:
    worked = series.own_work(record, done.scale)
    each = series.undisturbed(worked) if worked else None
    return each * done.users if each else None


def law(runs: Sequence[Timed]) -> Law | None:
    """The law through three runs or more of different size; None for fewer."""
    return _law(tuple(runs))


@lru_cache(maxsize=64)
def _law(runs: tuple[Timed, ...]) -> Law | None:
    users = np.array([run.users for run in runs], dtype=float)
    seconds = np.array([run.seconds for run in runs], dtype=float)
    if len(set(users.tolist())) < 3:
        return None
    terms, criterion = _fit(users, seconds, squares=True)
    straight = _fit(users, seconds, squares=False)[1]
    errors = np.random.default_rng(0).normal(1, KNOWN_TO, (REDRAWS, len(users)))
    redrawn = tuple(_fit(users, seconds * np.maximum(row, 0.1), squares=terms[2] > 0)[0] for row in errors)
    return Law(terms, redrawn, straight - criterion if terms[2] > 0 else 0.0)


def duration(seconds: float) -> str:
    """Seconds as a person says them."""
    if seconds < 120:
        return f"{seconds:,.1f} s" if seconds < 10 else f"{seconds:,.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02} min"


def _fit(users: Floats, seconds: Floats, *, squares: bool) -> tuple[tuple[float, float, float], float]:
    """The terms with the best criterion among all that are nowhere negative, and that criterion."""
    columns = np.stack([np.ones_like(users), users, users**2], axis=1) / (KNOWN_TO * seconds)[:, None]
    aim = np.full_like(users, 1 / KNOWN_TO)
    best, terms = np.inf, (0.0, 0.0, 0.0)
    for count in (1, 2, 3):
        for chosen in combinations(range(3), count):
            if 2 in chosen and not squares:
                continue
            part = columns[:, chosen]
            solution, *_ = np.linalg.lstsq(part, aim, rcond=None)
            if (solution < 0).any():
                continue
            criterion = float(np.sum((part @ solution - aim) ** 2)) + 2 * count
            if criterion < best:
                found = dict(zip(chosen, solution.tolist(), strict=True))
                best, terms = criterion, (found.get(0, 0.0), found.get(1, 0.0), found.get(2, 0.0))
    return terms, best


def _at(terms: tuple[float, float, float], users: float) -> float:
    fixed, per_user, square = terms
    return fixed + per_user * users + square * users**2


def _power(terms: tuple[float, float, float], users: float) -> float:
    return (terms[1] * users + 2 * terms[2] * users**2) / max(_at(terms, users), 1e-12)
