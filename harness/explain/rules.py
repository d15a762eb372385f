"""Rules over what was seen of all users: which conditions, up to three together, tell the failing from the rest.

A rule is weighed by how much shorter it makes the list of who failed (in nats): every failing user it covers
speaks for it, every passing one against it, and each condition costs what naming it takes. So one failing user
never makes a rule, however perfect it looks.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import numpy as np

from harness.explain.conditions import WHOLE, Condition, Mask, Numbers
from harness.explain.table import Table

BEAM = 8
DEEPEST = 3
FEWEST = 2
FAILS_IF_SO = 0.99
"""How often users fail for whom a cause holds, without flakes; near 1 a rule of two halves never wins."""
LATER = {
    "label": 0.6,
    "position": 0.9,
    "elapsed": 0.9,
    "bytes": 0.3,
    "is": 0.2,
    "upper": 0.5,
    "lower": 0.4,
    "digits": 0.3,
}
"""Among rules that say the same of everybody the plainer one is chosen: what its measure costs extra."""


@dataclass(frozen=True)
class Rule:
    """Conditions that hold together, what they weigh, and how many failing users they cover."""

    conditions: tuple[Condition, ...]
    score: float
    failing: int


Weighed = tuple[float, tuple[Condition, ...]]


class Search:
    """Looks for rules among users that failed (`targets`) and users that passed; all others are left out."""

    def __init__(self, table: Table, targets: Mask, fails_if_so: float = FAILS_IF_SO) -> None:
        self.table, self.targets = table, targets
        known = targets | table.passed
        share = min(max(float(targets.sum()) / max(int(known.sum()), 1), 1e-6), fails_if_so * 0.9)
        against = log((1 - fails_if_so) / (1 - share))
        self.weights = np.where(targets, log(fails_if_so / share), np.where(table.passed, against, 0.0))

    def best(self) -> Rule | None:
        """The rule that says most, or None where none says anything."""
        beam = self._widen(np.ones(len(self.weights), dtype=np.bool_), ())
        best = beam[0] if beam else None
        for _ in range(DEEPEST - 1):
            longer = [
                found
                for score, conditions in beam
                for found in self._widen(self.table.mask(conditions), conditions)
                if found[0] > score
            ]
            beam = sorted(longer, key=_heaviest)[:BEAM]
            if beam and best and beam[0][0] > best[0]:
                best = beam[0]
        rule = self._rule(*best) if best and best[0] > 0 else None
        return rule if rule and rule.failing >= FEWEST else None

    def weigh(self, conditions: tuple[Condition, ...]) -> Rule:
        """What given conditions weigh."""
        mask = self.table.mask(conditions)
        return self._rule(float(self.weights[mask].sum()) - sum(map(self._price, conditions)), conditions)

    def best_on(self, measure: str) -> tuple[Condition, ...] | None:
        """The best single bound on one size of the user as a whole; None where none speaks for itself."""
        cuts = _cuts(self.table.measure(WHOLE, measure), self.weights)
        total, cut = max(cuts, default=(0.0, (None, None)))
        return (Condition(WHOLE, measure, *cut),) if total > 0 else None

    def _rule(self, score: float, conditions: tuple[Condition, ...]) -> Rule:
        mask = self.table.mask(conditions)
        return Rule(conditions, score, int((self.targets & mask).sum()))

    def _widen(self, mask: Mask, conditions: tuple[Condition, ...]) -> list[Weighed]:
        """The best rules that have one condition more."""
        rows = np.flatnonzero(mask & (self.weights != 0))
        if not len(rows) or self.weights[rows].max() < 0:
            return []
        weights, paid = self.weights[rows], sum(map(self._price, conditions))
        keys, flags = self.table.flags
        totals = flags @ (self.weights * mask) if len(rows) * 4 > len(mask) else flags[:, rows] @ weights
        found = [
            (float(total), Condition(*key, least=1))
            for key, total in zip(keys, totals, strict=True)
            if total > 0
        ]
        for (field, name), values in self.table.sizes.items():
            found += [(total, Condition(field, name, *cut)) for total, cut in _cuts(values[rows], weights)]
        taken = {(condition.field, condition.measure) for condition in conditions}
        priced = [
            (total - paid - self._price(extra), (*conditions, extra))
            for total, extra in found
            if (extra.field, extra.measure) not in taken
        ]
        return sorted(priced, key=_heaviest)[:BEAM]

    def _price(self, condition: Condition) -> float:
        own = LATER.get(condition.measure.partition(":")[0], 0.0)
        return log(len(self.table.measures) + 1) + own + (0.1 if condition.field == WHOLE else 0.0)


def _heaviest(found: Weighed) -> float:
    return -found[0]


def _cuts(values: Numbers, weights: Numbers) -> list[tuple[float, tuple[float | None, float | None]]]:
    """The best `at least` and the best `at most`, each with the weights of what it covers summed up."""
    known = ~np.isnan(values)
    if not known.any():
        return []
    values, weights = values[known], weights[known]
    order = np.argsort(values, kind="stable")
    values, sums = values[order], np.cumsum(weights[order])
    ends = np.flatnonzero(np.append(values[1:] != values[:-1], True))
    below = sums[ends]
    above = sums[-1] - np.append(0.0, below[:-1])
    starts = np.append(0, ends[:-1] + 1)
    low, high = int(np.argmax(above)), int(np.argmax(below))
    return [
        (float(above[low]), (float(values[starts[low]]), None)),
        (float(below[high]), (None, float(values[ends[high]]))),
    ]
