"""Slopes and their bounds. Two readings of the same points, because each is blind where the other sees.

Theil-Sen tells a trend from noise and is not moved by outliers, but its interval takes the points for independent.
Block increments hold for a random walk too: memory whose steps have no direction wanders far, and a line through it
looks certain.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

BLOCKS = 8
T_95_TWO_SIDED = 2.365  # Student's t for 7 degrees of freedom
Z_99 = 2.326
MAD_TO_SIGMA, OUTLYING, EVEN = 1.4826, 3.0, 0.05
MEANS_OF_A_WALK = sqrt(
    1.5
)  # means of neighbouring blocks of a walk share steps: their increments are correlated


@dataclass(frozen=True)
class Slope:
    """Bytes an item: the estimate, and the lower and upper one-sided 99 % bounds."""

    value: float
    low: float
    high: float


def theil_sen(x: Floats, y: Floats) -> Slope:
    """The median of all pairwise slopes with its one-sided 99 % bounds (Sen 1968). Zeros for less than two points."""
    n = len(x)
    first, second = np.triu_indices(n, 1)
    run = x[second] - x[first]
    slopes = np.sort((y[second] - y[first])[run > 0] / run[run > 0])
    if not len(slopes):
        return Slope(0.0, 0.0, 0.0)
    width = Z_99 * sqrt(n * (n - 1) * (2 * n + 5) / 18)
    lowest = max(0, int((len(slopes) - width) / 2))
    return Slope(float(np.median(slopes)), float(slopes[lowest]), float(slopes[-1 - lowest]))


@dataclass(frozen=True)
class Increments:
    """The mean slope over 8 blocks, in bytes an item: `error` is its standard error, `typical` the mean without
    outlying blocks, such as those in which garbage piled up."""

    mean: float
    typical: float
    error: float

    @property
    def spread(self) -> float:
        """The half width of the 95 % interval."""
        return T_95_TWO_SIDED * self.error

    def above(self, t: float) -> bool:
        """Whether the mean is above zero by that quantile of Student's t for 7 degrees of freedom."""
        return self.mean > t * self.error


def increments(x: Floats, y: Floats) -> Increments:
    """The steps between the means of 9 equal stretches. Raises ValueError for less than 9 points."""
    if len(x) <= BLOCKS:
        raise ValueError(f"{len(x)} points make no {BLOCKS} increments")
    parts = np.array_split(np.arange(len(x)), BLOCKS + 1)
    middle = np.array([x[part].mean() for part in parts])
    level = np.array([y[part].mean() for part in parts])
    steps = np.diff(level) / np.diff(middle)
    error = MEANS_OF_A_WALK * float(np.std(steps, ddof=1)) / sqrt(BLOCKS)
    mean = float((level[-1] - level[0]) / (middle[-1] - middle[0]))
    return Increments(mean, _typical(steps), error)


def _typical(steps: Floats) -> float:
    middle = float(np.median(steps))
    usual = max(MAD_TO_SIGMA * float(np.median(np.abs(steps - middle))), EVEN * abs(middle))
    return float(steps[np.abs(steps - middle) <= OUTLYING * usual].mean())
