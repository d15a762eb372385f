"""From who failed to why: rules and minimal users, each held against the other, until nothing is left to explain.

::

    failing users of one signature
      -> the rule that says most of them                    no calls
      -> one of them against its twin, to the one value     a few calls, each with a fresh id
      -> the sentence, counted on all users of the run      no calls
      -> put into another user: does that one fail?         one call
      -> the rest of the failing users, again
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import islice
from math import sqrt

import numpy as np

from harness.explain.asking import RELIABLE, Ask, Asker, Budget, BudgetSpent
from harness.explain.conditions import WHOLE, Mask, sentence
from harness.explain.evidence import Case, Proof, by_data, by_size
from harness.explain.rules import FAILS_IF_SO, Rule, Search
from harness.explain.table import TURN, Seen, Table, is_size
from harness.model.causes import Cause, Difference

MOST_CAUSES = 12
MOST_SIGNATURES = 8
MOST_FRUITLESS = 3
FEW = 10
FLAKY = 0.95
NEXT_TO_NOTHING = 0.03


@dataclass
class Explained:
    """What came of it: causes in the order found, failing users left without one, and of these, how many were
    tried alone and passed. `by_data`: the indexes of users who failed for their data."""

    causes: list[Cause] = field(default_factory=list)
    by_data: set[int] = field(default_factory=set)
    failures: int = 0
    unexplained: int = 0
    passed_alone: int = 0
    tried_alone: int = 0
    calls: int = 0
    spent: bool = False


def explain(seen: Seen, ask: Ask, budget: Budget | None = None) -> Explained:
    """Why users fail, as far as the budget of calls goes."""
    budget = budget or Budget()
    table = Table(seen)
    found = Explained(failures=int(table.failed.sum()), unexplained=int(table.failed.sum()))
    words = Counter(told for told in seen.signatures if told)
    for signature, _ in words.most_common(MOST_SIGNATURES):
        try:
            _Group(table, signature, found, _asker(table, signature, ask, budget)).explain()
        except BudgetSpent:
            found.spent = True
            break
    found.calls = budget.used
    return found


def _asker(table: Table, signature: str, ask: Ask, budget: Budget) -> Asker:
    """With the flake rates that the run itself shows: who passed though a strong rule covers them, and who failed
    though none does."""
    targets = table.failed_as(signature)
    left, inside, passed = targets.copy(), 0, 0
    for _ in range(MOST_CAUSES):
        rule = Search(table, left, FLAKY).best()
        if rule is None:
            break
        mask = table.mask(rule.conditions)
        inside, passed = inside + int((mask & left).sum()), passed + int((mask & table.passed).sum())
        left &= ~mask
    outside = int(left.sum())
    among = outside + int(table.passed.sum()) - passed
    failing = _at_most(passed, passed + inside) if inside >= FEW else 0.0
    passing = _at_most(outside, among) if outside >= 2 * FEW else 0.0
    return Asker(
        ask,
        budget,
        signature,
        failing=max(failing, table.seen.wavering, RELIABLE),
        passing=max(passing, RELIABLE),
    )


def _at_most(count: int, of: int) -> float:
    """A share with its standard error on top; 0 where it is next to nothing. Never so much that asking is vain."""
    share = count / of
    return min(share + sqrt(share * (1 - share) / of), 0.45) if share > NEXT_TO_NOTHING else 0.0


@dataclass
class _Group:
    """The users who failed in one way."""

    table: Table
    signature: str
    found: Explained
    asker: Asker

    def explain(self) -> None:
        """Finds one cause after the other."""
        left = self.table.failed_as(self.signature)
        fruitless = 0
        while left.any() and fruitless < MOST_FRUITLESS and len(self.found.causes) < MOST_CAUSES:
            rule = Search(self.table, left, min(FAILS_IF_SO, 1 - self.asker.failing)).best()
            if rule is None and self.asker.passing > RELIABLE:
                return  # what is left fails by chance, as far as the run can tell
            row = self._example(left, rule)
            before = self.asker.budget.used
            proof = self._prove(row, rule, left)
            if proof is None:
                fruitless += 1
                left[row] = False
                continue
            covered = self.table.mask(proof.conditions)
            self._add(proof, covered, int((left & covered).sum()), self.asker.budget.used - before)
            left &= ~covered
            left[row] = False

    def _example(self, left: Mask, rule: Rule | None) -> int:
        """Somebody whom the rule covers and who has a twin: just inside the rule, with little else about them."""
        rows = np.flatnonzero(left & self.table.mask(rule.conditions) if rule else left).tolist()
        sizes = [
            (self.table.measure(condition.field, condition.measure), condition)
            for condition in (rule.conditions if rule else ())
            if is_size(condition.measure)
        ]

        def order(row: int) -> tuple[bool, float, int, int]:
            edges = len(self.table.users[row].edges)
            beyond = sum(abs(values[row] - (bound.least or bound.most or 0)) for values, bound in sizes)
            return edges == 0, float(beyond), edges, row

        return int(min(rows, key=order))

    def _prove(self, row: int, rule: Rule | None, left: Mask) -> Proof | None:
        case = Case(self.table, self.asker, row)
        if rule and all(condition.field == WHOLE for condition in rule.conditions):
            first = rule.conditions[0]
            if first.measure in TURN:
                return self._place(case, rule)
            if first.measure in ("url", "bytes") and len(rule.conditions) == 1:
                proof = by_size(case, first)
                if proof:
                    return proof
        self.found.tried_alone += 1
        self.asker.all([case.bad, *islice(case.baselines(), 1)])  # one round: both will be needed
        if self.asker.fails(case.bad) is not True:
            self.found.passed_alone += 1
            return None
        proof = by_data(case)
        return self._better(proof, rule, left) if rule else proof if proof and self._clean(proof) else None

    def _place(self, case: Case, rule: Rule) -> Proof | None:
        """Their turn, not their data: tried alone such a user passes."""
        if self.asker.fails(case.bad) is not False:
            return by_data(case)
        return Proof(rule.conditions, (), case.row, {}, {}, removed=True, injected=None, about="place")

    def _better(self, proof: Proof | None, rule: Rule, left: Mask) -> Proof | None:
        """What asking told, unless the rule is true of many more failing users, or asking led nowhere."""
        search = Search(self.table, left, min(FAILS_IF_SO, 1 - self.asker.failing))
        asked = search.weigh(proof.conditions) if proof else None
        if proof and asked and self._clean(proof) and asked.failing >= 0.8 * rule.failing:
            return proof
        if proof and proof.injected and asked and rule.failing < 5 and self._clean(proof):
            return proof
        fields = tuple(dict.fromkeys(condition.field for condition in rule.conditions))
        if proof is None:
            return Proof(rule.conditions, fields, self._example(left, rule), {}, {}, None, None)
        confirmed = set(fields) >= set(proof.fields) and proof.injected
        return replace(proof, conditions=rule.conditions, injected=proof.injected if confirmed else None)

    def _clean(self, proof: Proof) -> bool:
        """Whether those of whom it is true do fail, in whatever way: another failure may come first."""
        mask = self.table.mask(proof.conditions)
        failed, passed = int((mask & self.table.failed).sum()), int((mask & self.table.passed).sum())
        return failed >= (failed + passed) * (1 - max(0.1, 2 * self.asker.failing))

    def _add(self, proof: Proof, covered: Mask, explained: int, calls: int) -> None:
        user = self.table.users[proof.row]
        example = dict(user.data)
        reproduced, tries = self.asker.tally(example)
        self.found.unexplained -= explained
        if proof.about == "data":
            rows = np.flatnonzero(covered & self.table.failed).tolist()
            self.found.by_data |= {self.table.users[row].index for row in rows}
        self.found.causes.append(
            Cause(
                sentence=sentence(proof.conditions),
                key=" ".join(sorted(condition.key for condition in proof.conditions)),
                about=proof.about,
                fields=[name for name in proof.fields if name],
                signature=self.signature,
                such=int((covered & (self.table.failed | self.table.passed)).sum()),
                failing=int((covered & self.table.failed).sum()),
                explained=explained,
                failures=self.found.failures,
                index=user.index,
                labels=list(user.edges),
                example=example,
                passing=proof.good,
                smallest=proof.smallest,
                diff=[
                    Difference(name, proof.good.get(name), proof.smallest[name])
                    for name in proof.smallest
                    if proof.smallest[name] != proof.good.get(name)
                ],
                reproduced=reproduced,
                tries=tries,
                removed=proof.removed,
                injected=proof.injected,
                calls=calls,
            )
        )
