"""A leak under memory that swings, by its peaks: garbage that waits for its collector hides it in every slope."""

from __future__ import annotations

from itertools import pairwise
from math import sqrt

import numpy as np

from harness.checks.memory.estimators import MAD_TO_SIGMA, Floats, increments

KIB = 1024
LEAST, LEAST_IN_ALL = 256 * KIB, 1280 * KIB
WARM = 4000  # items; of fewer, more lie near the warm-up, and the peaks have to climb further
ONWARD = 1.5  # Student's t, one-sided 91 %: the peaks say the rest
SMOOTH, IN_STAIRS = 0.5, 0.3
STAIRS, OF_ALL = 5, 0.17  # peaks that only scatter seldom go up so often, or by so much of what was ever held
SURELY = 3.0  # standard deviations of the readings


def climb(x: Floats, y: Floats, start: float, items: float) -> tuple[float, float] | None:
    """How far the peaks rose from one third of the series to the next, twice, in bytes. None where they do not climb
    all the way, or slow down by more than the readings scatter (a cache that fills does), or climb by no more than
    collections that fall here and there would make of them. `start`: bytes, so many `items` before the end."""
    first, second = high_water(x, y)
    if min(first, second) < LEAST or first + second < LEAST_IN_ALL * max(1.0, WARM / items):
        return None
    slowing = IN_STAIRS if rests(y) else SMOOTH  # a stair ends where a collection happens to fall
    if second - slowing * first < SURELY * scatter(y) or not increments(x, y).above(ONWARD):
        return None
    by_chance = stairs(y) < STAIRS and first + second < OF_ALL * (float(y.max()) - start)
    return None if by_chance else (first, second)


def high_water(x: Floats, y: Floats) -> tuple[float, float]:
    """How far the highest reading rose from one third of the series to the next, twice, in bytes."""
    edges = np.linspace(x[0], x[-1], 4)
    peaks = [y[(x >= low) & (x <= high)].max() for low, high in pairwise(edges)]
    return float(peaks[1] - peaks[0]), float(peaks[2] - peaks[1])


def stairs(y: Floats) -> int:
    """How many times in a row of readings it begins to rise above all before."""
    rising = np.diff(np.maximum.accumulate(y)) > 0
    return int(rising[0]) + int(np.sum(rising[1:] & ~rising[:-1]))


def scatter(y: Floats) -> float:
    """The standard deviation of the readings about whatever they follow, from the steps between neighbours. A few
    large steps, as where garbage is collected, do not count."""
    steps = np.diff(y)
    return MAD_TO_SIGMA * float(np.median(np.abs(steps - np.median(steps)))) / sqrt(2)


def rests(y: Floats) -> bool:
    """Whether at least half the steps between neighbours lead nowhere or down: it rises in stairs, or swings."""
    return bool(np.mean(np.diff(y) <= 0) >= 0.5)
