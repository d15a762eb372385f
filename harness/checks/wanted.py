"""What shall be done: the intended items in order, and for each its steps, amounts and contents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import cached_property
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.model.tables import Tables

BEFORE, SHOWN = 20, 60
Numbers = NDArray[np.int64]
Chunk = dict[str, list[Any]]


def as_amount(text: str) -> Decimal | None:
    """A decimal number as text, or None where it is none."""
    try:
        value = Decimal(text)
    except (InvalidOperation, TypeError, ValueError):
        return None
    return value if value.is_finite() else None


@dataclass
class Step:
    """One step of the work: how often each item needs it, and its amount and content ("" is not compared)."""

    times: Numbers
    amounts: list[str]
    contents: list[str]


@dataclass
class Wanted:
    """The intended items by position. Without `steps` nothing is known but that each item is wanted once."""

    items: list[str]
    index: dict[str, int]
    steps: dict[str, Step] = field(default_factory=dict)
    compares: bool = False

    @classmethod
    def read(cls, tables: Tables, users: int) -> Wanted:
        """From the tables `intended` and, where the scenario says what is expected, `expected`."""
        items: list[str] = []
        for chunk in tables.chunks("intended"):
            items += chunk["item"][: users - len(items)]
            if len(items) >= users:
                break
        index = dict(zip(items, range(len(items)), strict=True))
        wanted = cls(items, index, compares=tables.has("expected"))
        for chunk in tables.chunks("expected"):
            wanted._add(chunk)
        return wanted

    def _add(self, chunk: Chunk) -> None:
        size = len(self.items)
        for place, step, amount, content in zip(
            self.places(chunk["item"]).tolist(), chunk["step"], chunk["amount"], chunk["content"], strict=True
        ):
            if place < 0:
                continue
            if step not in self.steps:
                self.steps[step] = Step(np.zeros(size, np.int64), [""] * size, [""] * size)
            want = self.steps[step]
            want.times[place] += 1
            want.amounts[place], want.contents[place] = amount, content

    def places(self, items: list[str]) -> Numbers:
        """The position of each item, -1 for one that was never intended."""
        return np.fromiter(map(self.index.get, items, repeat(-1)), np.int64, len(items))

    @cached_property
    def nothing(self) -> NDArray[np.bool_]:
        """By position: whether the scenario expects no effect at all for this item."""
        if not self.compares:
            return np.zeros(len(self.items), np.bool_)
        times = sum((step.times for step in self.steps.values()), np.zeros(len(self.items), np.int64))
        return np.asarray(times == 0)

    @cached_property
    def has_amounts(self) -> bool:
        """Whether the scenario says what is due."""
        return any(any(step.amounts) for step in self.steps.values())

    def due(self, places: Numbers) -> Decimal:
        """The money due to the items at these positions, as far as the scenario says it."""
        total = Decimal(0)
        for step in self.steps.values():
            times = step.times[places].tolist()
            amounts = (as_amount(step.amounts[place]) or Decimal(0) for place in places.tolist())
            total += sum(amount * often for amount, often in zip(amounts, times, strict=True))
        return total

    def mistakes(self, places: Numbers, chunk: Chunk) -> Iterator[tuple[int, str]]:
        """(position, what is wrong) for each effect that is not as wanted."""
        rows = len(places)
        columns = (chunk.get(name, repeat("", rows)) for name in ("step", "amount", "content"))
        for place, step, amount, content in zip(places.tolist(), *columns, strict=False):
            if place < 0:
                continue
            want = self.steps.get(step)
            if want is None or not want.times[place]:
                yield place, f"the step {step!r} was done, which was not wanted"
            elif amount != want.amounts[place] and _differs(amount, want.amounts[place]):
                yield place, f"{want.amounts[place]} was due, {amount or 'nothing'} was paid"
            elif want.contents[place] and content != want.contents[place]:
                yield place, _apart(want.contents[place], content)


def _apart(wanted: str, done: str) -> str:
    """Two contents from shortly before where they part."""
    alike = next((n for n, pair in enumerate(zip(wanted, done, strict=False)) if pair[0] != pair[1]), 0)
    start = max(0, alike - BEFORE)
    shown = (f"{'…' if start else ''}{text[start : start + SHOWN]!r}" for text in (wanted, done))
    return "{} was wanted, {} was done".format(*shown)


def _differs(paid: str, due: str) -> bool:
    if not due:
        return False
    return as_amount(paid) is None or as_amount(paid) != as_amount(due)
