"""The ledger of one run: intended items, the batch's word, and the downstream's effects, balanced item by item.

The record's tables are read chunk by chunk into a few numbers an item, so that a million items and two million
effects fit: nothing here depends on the order of rows, and no effect is dropped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from harness.checks.verdicts import DONE, VERDICTS, WORDS, Verdict, verdict
from harness.checks.wanted import Chunk, Wanted, as_amount
from harness.model.record import Record
from harness.model.tables import Tables

Numbers = NDArray[np.int64]
Codes = NDArray[np.uint8]

_UNKNOWN = WORDS.index("unknown")
_LOOKUP = np.array([[VERDICTS.index(verdict(done, said)) for done in DONE] for said in WORDS], dtype=np.uint8)
SHOWN = 3


@dataclass
class Word:
    """What the batch says, as codes into WORDS by position, and what is wrong with the telling of it.

    strangers   items that were never intended, with how often they are told of
    twice       items told of more than once; where the words differ, the word counts as unknown
    odd         words that are none of ok, failed, unknown, running; they count as unknown
    """

    said: Codes
    strangers: Counter[str] = field(default_factory=Counter)
    twice: list[str] = field(default_factory=list)
    odd: Counter[str] = field(default_factory=Counter)


@dataclass
class Deeds:
    """What the downstream did: for each step a count by position, what was wrong, and effects nobody intended."""

    counts: dict[str, Numbers]
    wrong: NDArray[np.bool_]
    examples: list[str] = field(default_factory=list)
    strangers: Counter[str] = field(default_factory=Counter)

    @property
    def most(self) -> int:
        """The largest number of copies of one effect."""
        return max((int(count.max(initial=0)) for count in self.counts.values()), default=0)


@dataclass(frozen=True)
class Account:
    """The balanced ledger of one run. `verdicts` are codes into VERDICTS, by position among `items`.

    untold     items that were done, though the batch says nothing at all of them
    overpaid   money beyond what was due to the duplicated items
    unpaid     money due to the items that are called done though they are not
    """

    items: list[str]
    verdicts: Codes
    word: Word
    deeds: Deeds
    untold: list[str]
    overpaid: Decimal
    unpaid: Decimal

    def count(self, kind: Verdict) -> int:
        """How many items have this verdict."""
        return int(np.count_nonzero(self.verdicts == VERDICTS.index(kind)))

    def of(self, kind: Verdict, most: int | None = None) -> list[str]:
        """The items with this verdict, in the intended order; at most `most`."""
        places = np.flatnonzero(self.verdicts == VERDICTS.index(kind))[:most]
        return [self.items[place] for place in places]

    def verdict_of(self) -> dict[str, Verdict]:
        """Every item's verdict by name."""
        return {item: VERDICTS[code] for item, code in zip(self.items, self.verdicts, strict=True)}


def best_witness(record: Record, scale: int) -> str:
    """The table that tells best what was done at this scale: the downstream's own state, else what the tap saw
    answered with success."""
    ledger, tap = f"effects-{scale}", f"tap-{scale}"
    return tap if record.has(tap) and not record.has(ledger) else ledger


def balance(tables: Tables, users: int, items: str, effects: str) -> Account | None:
    """The first `users` intended items against the tables `items` and `effects`; None where one was not read."""
    if not tables.has(items) or not tables.has(effects):
        return None
    return weighed(tables, Wanted.read(tables, users), items, effects)


def weighed(tables: Tables, wanted: Wanted, items: str, effects: str) -> Account | None:
    """The same for items that were read before; None where the effects do not tell enough."""
    if effects.startswith("tap-") and set(wanted.steps) - {""}:
        return None  # which step a request is, the wire does not tell
    word = _word(tables, wanted, items)
    deeds = _deeds(tables, wanted, effects)
    verdicts = _LOOKUP[word.said, _done(wanted, deeds)]
    untold = (word.said == 0) & (verdicts != VERDICTS.index("blocked")) & ~wanted.nothing
    return Account(
        wanted.items,
        verdicts,
        word,
        deeds,
        untold=[wanted.items[place] for place in np.flatnonzero(untold)],
        overpaid=_overpaid(tables, wanted, effects, np.flatnonzero(verdicts == VERDICTS.index("duplicated"))),
        unpaid=wanted.due(np.flatnonzero(verdicts == VERDICTS.index("falsely-ok"))),
    )


def _word(tables: Tables, wanted: Wanted, table: str) -> Word:
    codes = {said: code for code, said in enumerate(WORDS) if said}
    word = Word(np.zeros(len(wanted.items), np.uint8))
    told = np.zeros(len(wanted.items), np.int64)
    for chunk in tables.chunks(table):
        places = wanted.places(chunk["item"])
        said = np.fromiter(map(codes.get, chunk["said"], repeat(_UNKNOWN)), np.uint8, len(places))
        ours = places >= 0
        word.strangers.update(chunk["item"][i] for i in np.flatnonzero(~ours))
        word.odd.update(said for said in chunk["said"] if said not in codes)
        clash = _clashes(word.said, told, places[ours], said[ours])
        word.said[places[ours]] = said[ours]
        word.said[clash] = _UNKNOWN
        np.add.at(told, places[ours], 1)
    word.twice = [wanted.items[place] for place in np.flatnonzero(told > 1)]
    return word


def _clashes(known: Codes, told: Numbers, places: Numbers, said: Codes) -> Numbers:
    """The places of which something else is said than before, in earlier chunks or within this one."""
    before = told[places] > 0
    across = places[before][known[places[before]] != said[before]]
    lowest, highest = known.copy(), known.copy()
    lowest[places], highest[places] = 255, 0
    np.minimum.at(lowest, places, said)
    np.maximum.at(highest, places, said)
    within = places[lowest[places] != highest[places]]
    return np.concatenate([across, within])


def _deeds(tables: Tables, wanted: Wanted, table: str) -> Deeds:
    size = len(wanted.items)
    deeds = Deeds({step: np.zeros(size, np.int64) for step in wanted.steps}, np.zeros(size, np.bool_))
    for raw in tables.chunks(table):
        chunk = _succeeded(raw)
        rows = len(chunk["item"])
        places = wanted.places(chunk["item"])
        ours = places >= 0
        deeds.strangers.update(chunk["item"][i] for i in np.flatnonzero(~ours))
        for step, mask in _by_step(chunk.get("step"), rows):
            here = places[mask & ours]
            np.add.at(deeds.counts.setdefault(step, np.zeros(size, np.int64)), here, 1)
        if wanted.compares and "status" not in raw:
            for place, why in wanted.mistakes(places, chunk):
                deeds.wrong[place] = True
                if len(deeds.examples) < SHOWN:
                    deeds.examples.append(f"user {wanted.items[place]}: {why}")
    return deeds


def _succeeded(chunk: Chunk) -> Chunk:
    """Of requests that the tap saw, those answered with success; effects of a ledger as they are."""
    if "status" not in chunk:
        return chunk
    kept = [row for row, status in enumerate(chunk["status"]) if 200 <= (status or 0) < 300]
    return {name: [column[row] for row in kept] for name, column in chunk.items()}


def _by_step(steps: list[str] | None, rows: int) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    names = set(steps or [""])
    if len(names) == 1:
        yield names.pop(), np.ones(rows, np.bool_)
        return
    column = np.array(steps, dtype=object)
    for name in sorted(names):
        yield name, column == name


def _done(wanted: Wanted, deeds: Deeds) -> Codes:
    """What was done for each item, as codes into DONE. A duplicate outweighs wrong content: it is never masked."""
    size = len(wanted.items)
    some, missing, over = (np.zeros(size, np.bool_) for _ in range(3))
    for step, count in deeds.counts.items():
        want = wanted.steps.get(step)
        some |= count > 0
        over |= count > (1 if want is None else np.maximum(want.times, 1))
        if want is not None:
            missing |= count < want.times
    none_wanted = wanted.nothing
    done = np.full(size, DONE.index("once"), np.uint8)
    done[missing] = DONE.index("partial")
    done[~some & ~none_wanted] = DONE.index("none")
    done[deeds.wrong | (some & none_wanted)] = DONE.index("wrong")
    done[over] = DONE.index("over")
    return done


def _overpaid(tables: Tables, wanted: Wanted, table: str, places: Numbers) -> Decimal:
    """The money beyond what was due to the duplicated items; without a known due, beyond their largest payment."""
    if not len(places):
        return Decimal(0)
    chosen = np.zeros(len(wanted.items) + 1, np.bool_)  # the last place stands for strangers: never chosen
    chosen[places] = True
    total, largest = Decimal(0), dict[int, Decimal]()
    for chunk in map(_succeeded, tables.chunks(table)):
        here = wanted.places(chunk["item"])
        amounts = chunk.get("amount") or [""] * len(here)
        rows = np.flatnonzero(chosen[here]).tolist()
        paid = [as_amount(amounts[row]) or Decimal(0) for row in rows]
        total += sum(paid)
        if not wanted.has_amounts:
            for place, amount in zip(here[rows].tolist(), paid, strict=True):
                largest[place] = max(amount, largest.get(place, amount))
    due = wanted.due(places) if wanted.has_amounts else sum(largest.values(), Decimal(0))
    return max(total - due, Decimal(0))
