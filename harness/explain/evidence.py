"""One failing user, asked about until it is clear what it takes: the proof of a cause."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from harness.explain.asking import Asker
from harness.explain.conditions import Condition
from harness.explain.ladder import Ladder, Rung
from harness.explain.minimal import culprits, mixed
from harness.explain.table import IDENTITY, Table, url_size
from harness.model.causes import About

MOST_BASELINES = 3
LOOKED_AT = 300
Data = dict[str, Any]


@dataclass(frozen=True)
class Proof:
    """Conditions that make users fail: shown on the user at `row`, against the passing data `good`."""

    conditions: tuple[Condition, ...]
    fields: tuple[str, ...]
    row: int
    good: Data
    smallest: Data
    removed: bool | None
    injected: bool | None
    about: About = "data"


@dataclass(frozen=True)
class Case:
    """One failing user of the run."""

    table: Table
    asker: Asker
    row: int

    @property
    def bad(self) -> Data:
        """Its data."""
        return dict(self.table.users[self.row].data)

    def baselines(self) -> Iterator[Data]:
        """Users who ought to pass: its own twin, then ordinary ones who passed, the most alike first."""
        twin = dict(self.table.seen.twin(self.table.users[self.row].index).data)
        if differing(twin, self.bad):
            yield twin
        yield from self.ordinary(alike=True)

    def ordinary(self, *, alike: bool) -> list[Data]:
        """Some users who passed, with nothing awkward about them; the most or the least alike first."""
        rows = np.flatnonzero(self.table.passed)[:LOOKED_AT]
        plain = [row for row in rows if not self.table.users[row].edges] or list(rows)
        others = [dict(self.table.users[row].data) for row in plain]
        others.sort(key=lambda other: len(differing(other, self.bad)), reverse=not alike)
        return others[:MOST_BASELINES]


def differing(one: Data, other: Data) -> list[str]:
    """The fields in which two users differ, but for those that name them."""
    return [name for name in other if name not in IDENTITY and one.get(name) != other[name]]


def by_data(case: Case) -> Proof | None:
    """What it is about this user's own data. It was asked before, and fails."""
    asker = case.asker
    good = next((data for data in case.baselines() if asker.fails(data) is False), None)
    if good is None:
        return None
    fields = culprits(asker, good, case.bad, differing(good, case.bad))
    if not fields:
        return None
    rungs = _climb(case, good, fields)
    stranger = next((other for other in case.ordinary(alike=False) if other != good), None)
    both_ways = [case.bad | {name: good.get(name) for name in fields}]
    both_ways += [_with(stranger, rungs)] if stranger is not None else []
    without, *having = asker.all(both_ways)
    removed, injected = without is False, having[0] if having else None
    if stranger is not None and injected is False and asker.fails(stranger) is False:
        more = culprits(asker, stranger, case.bad, differing(stranger, case.bad))
        if more and set(more) > set(fields):
            good, fields, injected = stranger, more, True
            rungs = _climb(case, good, fields)
    conditions = tuple(condition for rung in rungs.values() for condition in rung.conditions)
    return Proof(conditions, fields, case.row, good, mixed(good, case.bad, fields), removed, injected)


def _climb(case: Case, good: Data, fields: tuple[str, ...]) -> dict[str, Rung]:
    smallest = mixed(good, case.bad, fields)
    context = len(fields) > 1  # what one field alone refutes, two together do not
    return {
        name: Ladder(
            case.table, name, partial(_ask, case.asker, smallest, name), 1.0 if context else _tolerance(case)
        ).climb(good.get(name), case.bad[name])
        for name in fields
    }


def _tolerance(case: Case) -> float:
    return case.asker.failing if case.asker.failing > 0.01 else 0.0


def _ask(asker: Asker, data: Data, name: str, value: Any) -> bool | None:
    return asker.fails(data | {name: value})


def _with(data: Data, rungs: dict[str, Rung]) -> Data:
    return data | {name: rung.make(data.get(name)) for name, rung in rungs.items()}


def by_size(case: Case, condition: Condition) -> Proof | None:
    """How long the whole user is: an ordinary one fails, in whichever field of free text it is
    lengthened."""
    if condition.least is None:
        return None
    fails = int(condition.least)
    good = next((data for data in case.ordinary(alike=True)), None)
    if good is None:
        return None
    names = _free_text(case.table)[:2]
    in_each = [partial(_padded, case.table, good, name) for name in names]
    if not names or not all(case.asker.all([padded(fails) for padded in in_each])):
        return None  # it is the length of one field
    padded = in_each[-1]
    passes = _longest_passing(case.table, condition, fails)
    while fails - passes > 1:
        middle = (fails + passes) // 2
        if case.asker.fails(padded(middle)):
            fails = middle
        else:
            passes = middle
    below = case.asker.fails(padded(fails - 1)) is False
    case.asker.fails(case.bad)
    edge = Condition(condition.field, condition.measure, least=fails)
    return Proof((edge,), (), case.row, padded(fails - 1), padded(fails), below, injected=True)


def _longest_passing(table: Table, condition: Condition, fails: int) -> int:
    sizes = table.measure(condition.field, condition.measure)
    known = sizes[table.passed & (sizes < fails)]
    return int(known.max()) if len(known) else 0


def _free_text(table: Table) -> list[str]:
    """Fields in which the run saw the most varied lengths pass."""

    def spread(name: str) -> float:
        lengths = table.measure(name, "length")[table.passed]
        known = lengths[~np.isnan(lengths)]
        return float(known.max() - known.min()) if len(known) else 0.0

    return sorted(table.fields, key=spread, reverse=True)


def _padded(table: Table, good: Data, name: str, size: int) -> Data:
    """`good` with `name` lengthened (or cut) by plain letters, so that the whole has just that many bytes."""
    text = str(good.get(name) or "")
    text = "".join(c for c in text if c.isascii() and c.isalnum())
    room = size - url_size(good | {name: text}, table.fields)
    return good | {name: text + "a" * room if room >= 0 else text[:room]}
