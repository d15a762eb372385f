"""All users of a run, measured: which failed, and for which of them a condition holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from harness.explain.columns import Column
from harness.explain.conditions import WHOLE, Condition, Mask, Numbers
from harness.model.people import SyntheticUser

TURN = ("position", "elapsed", "batch")
"""Sizes of somebody's turn, and not of their data."""
IDENTITY = frozenset({"id", "uuid"})
"""Fields that name the user: they are new in every try, so nothing is told of them."""


@dataclass(frozen=True)
class Seen:
    """What a run showed of its users.

    users       in the order of the batch
    signatures  for each: "" passed, a failure's signature, or None where it was not seen, or not seen clearly
    twin        the same user without awkward values, by index
    elapsed     seconds into the batch at which each had its turn, where known
    positions   each one's place in the batch, where that is not the order of `users`
    batches     the size of the batch that each was in, where it was not the same for all
    wavering    the share of failures that were not there at another scale; 0 where that was not seen
    """

    users: Sequence[SyntheticUser]
    signatures: Sequence[str | None]
    twin: Callable[[int], SyntheticUser]
    elapsed: Sequence[float] = ()
    positions: Sequence[int] = ()
    batches: Sequence[int] = ()
    wavering: float = 0.0


class Table:
    """The measures of all users, by field and name."""

    def __init__(self, seen: Seen) -> None:
        self.seen, self.users = seen, seen.users
        self.fields = [name for name in seen.users[0].data if name not in IDENTITY] if seen.users else []
        self.columns = {name: Column([user.data.get(name) for user in seen.users]) for name in self.fields}
        self.passed = np.fromiter((told == "" for told in seen.signatures), np.bool_, len(seen.users))
        self.failed = np.fromiter((bool(told) for told in seen.signatures), np.bool_, len(seen.users))

    def failed_as(self, signature: str) -> Mask:
        """Who failed with just this signature."""
        return np.fromiter((told == signature for told in self.seen.signatures), np.bool_, len(self.users))

    @cached_property
    def measures(self) -> dict[tuple[str, str], Numbers]:
        """All of them, those of the whole user too."""
        found = {
            (field, name): values
            for field, column in self.columns.items()
            for name, values in column.measures.items()
        }
        return found | {(WHOLE, name): values for name, values in self._whole().items()}

    @cached_property
    def flags(self) -> tuple[list[tuple[str, str]], Numbers]:
        """All measures that are yes or no, a row each."""
        plain = {key: values for key, values in self.measures.items() if not is_size(key[1])}
        rows = [np.where(np.isnan(values), 0, values) for values in plain.values()]
        return list(plain), np.array(rows) if rows else np.zeros((0, len(self.users)))

    @cached_property
    def sizes(self) -> dict[tuple[str, str], Numbers]:
        """All measures that are sizes."""
        return {key: values for key, values in self.measures.items() if is_size(key[1])}

    def mask(self, conditions: Iterable[Condition]) -> Mask:
        """For whom all of them hold."""
        mask = np.ones(len(self.users), dtype=np.bool_)
        for condition in conditions:
            mask &= condition.of(self.measure(condition.field, condition.measure))
        return mask

    def measure(self, field: str, name: str) -> Numbers:
        """One measure of all users."""
        if (field, name) in self.measures or field == WHOLE:
            return self.measures.get((field, name), np.full(len(self.users), np.nan))
        return self.columns[field].measure(name)

    def holds(self, conditions: Iterable[Condition], data: dict[str, Any]) -> bool:
        """Whether they hold for one user who is not of this run; what depends on the run does not."""
        return all(bool(condition.of(_one(condition, data, self.fields))[0]) for condition in conditions)

    def _whole(self) -> dict[str, Numbers]:
        count = len(self.users)
        own = sum(len(name) + 2 for name in self.fields) - 1
        found = {
            "bytes": np.asarray(sum((column.sizes for column in self.columns.values()), np.zeros(count))),
            "url": np.asarray(
                sum((column.encoded for column in self.columns.values()), np.zeros(count)) + own
            ),
            "position": np.asarray(self.seen.positions or np.arange(1.0, count + 1), dtype=np.float64),
        }
        if len(self.seen.batches) == count:
            found["batch"] = np.asarray(self.seen.batches, dtype=np.float64)
        if len(self.seen.elapsed) == count:
            found["elapsed"] = np.asarray(self.seen.elapsed, dtype=np.float64)
        for row, user in enumerate(self.users):
            for label in user.edges:
                found.setdefault(f"label:{label}", np.zeros(count))[row] = 1
        return found


def is_size(name: str) -> bool:
    """Whether a measure is a size, with more to it than yes and no."""
    return name in ("length", "bytes", "widest", "value", "decimals", "url", *TURN)


def url_size(data: dict[str, Any], fields: Sequence[str]) -> int:
    """The bytes of these fields as a query."""
    own = sum(len(name) + 2 for name in fields) - 1
    return own + int(sum(Column([data.get(name)]).encoded[0] for name in fields))


def _one(condition: Condition, data: dict[str, Any], fields: Sequence[str]) -> Numbers:
    if condition.field != WHOLE:
        return Column([data.get(condition.field)]).measure(condition.measure)
    if condition.measure == "url":
        return np.array([float(url_size(data, fields))])
    if condition.measure == "bytes":
        return np.array([float(sum(Column([data.get(name)]).sizes[0] for name in fields))])
    return np.array([np.nan])
