"""Population: a seeded, replayable many. User i is a pure function of (spec, seed, i), at every scale."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from faker import VERSION as FAKER

from harness.errors import UsageError
from harness.model.people import SyntheticUser
from harness.population import ids
from harness.population.columns import Column
from harness.population.compiling import Compiler, locale_drawer
from harness.population.edges.catalogue import chosen, named
from harness.population.edges.overlay import Coverage, Overlay
from harness.population.fields import Field
from harness.population.rows import Row, Rows
from harness.population.sheets import Sheet
from harness.population.spec import Spec
from harness.population.spec import spec as make_spec
from harness.population.tables import Drawer

CHUNK = 8_192
"""Users computed together: enough for numpy, few enough for the processor's cache."""


class Population:
    """Users that need no storing: whoever has the spec and the seed has them all.

    ``users(n)`` are always the first n of the same people: a larger scale adds, it never exchanges. A
    process that is to work on some of them is sent the population itself (it pickles as spec and seed) and
    a range of indexes.
    """

    spec = staticmethod(make_spec)

    def __init__(self, seed: int, made_of: Spec | None = None, **choices: Any) -> None:
        """`made_of` is a spec; or give its choices here: ``Population(7, edges=0.03)``."""
        if made_of is not None and choices:
            raise UsageError("a spec and single choices at once", fix="put the choices into the spec")
        self.seed = seed
        self.made_of = made_of or make_spec(**choices)

    def __reduce__(self) -> tuple[Any, ...]:
        return Population, (self.seed, self.made_of)

    def user(self, index: int, labels: Sequence[str] | None = None) -> SyntheticUser:
        """The user at `index`, in plain Python: the same as in any column, sheet or process.

        `labels` lays just these awkward values over the user, whatever the rate says.
        """
        self._check(index)
        row = Row(self.seed, index, self._locales)
        data = {name: field.value(row) for name, field in self._fields.items()}
        laid = self._overlay.labels(index) if labels is None else named(labels, self.plain_fields)
        for label in laid:
            data[label.field] = label.over(data[label.field])
        return SyntheticUser(index, self.id_of(index), data, tuple(label.name for label in laid))

    def twin(self, index: int) -> SyntheticUser:
        """The same user with nothing awkward about them."""
        return self.user(index, labels=())

    def users(self, count: int) -> list[SyntheticUser]:
        """Users 0..count-1."""
        return [user for sheet in self.sheets(0, count) for user in sheet.users()]

    def sheet(self, indexes: Iterable[int] | np.ndarray[Any, Any]) -> Sheet:
        """The users of any set of indexes, in columns, all at once."""
        wanted = np.asarray(indexes if isinstance(indexes, (Sequence, np.ndarray)) else list(indexes))
        if len(wanted):
            self._check(int(wanted.min()))
            self._check(int(wanted.max()))
        rows = Rows(self.seed, wanted.astype(np.uint64), self._locales)
        columns: dict[str, Column] = {name: field.column(rows) for name, field in self._fields.items()}
        edges = dict(self._overlay.awkward(rows.indexes))
        for row, labels in edges.items():
            for label in labels:
                column = columns[label.field]
                column.patches[row] = label.over(column.at(row))
        names = {row: tuple(label.name for label in labels) for row, labels in edges.items()}
        return Sheet(rows.indexes, columns, self._compiler.number.column(rows), names)

    def sheets(self, start: int, stop: int, size: int = CHUNK) -> Iterator[Sheet]:
        """Users start..stop-1 in columns, chunk by chunk: memory does not grow with their number."""
        if start < 0 or stop < start:
            raise UsageError(f"users {start} to {stop}", expected="a range that begins at 0 or later")
        if stop:
            self._check(stop - 1)
        for begin in range(start, stop, size):
            yield self.sheet(np.arange(begin, min(begin + size, stop), dtype=np.uint64))

    def id_of(self, index: int) -> str:
        """The id of the user at `index`."""
        return ids.encode(self.seed, index, self.made_of.id_digits)

    def index_of(self, user_id: str, below: int | None = None) -> int | None:
        """The index behind an id or UUID, or None where it is none of ours (`below`: of users 0..below-1)."""
        if len(user_id) > 12:
            index = ids.uuid_index(self.seed, user_id)
        else:
            index = ids.decode(self.seed, user_id, self.made_of.id_digits)
        return None if index is None or (below is not None and index >= below) else index

    def coverage(self, users: int) -> Coverage:
        """What the first users show of the catalogue of awkward values."""
        return self._overlay.coverage(users)

    def describe(self) -> dict[str, object]:
        """What somebody needs to have the same users again, as plain data."""
        return {"seed": self.seed, "faker": FAKER, **self.made_of.describe()}

    @cached_property
    def _compiler(self) -> Compiler:
        return Compiler(self.made_of, self.seed)

    @cached_property
    def _fields(self) -> dict[str, Field]:
        return self._compiler.compile()

    @cached_property
    def _locales(self) -> Drawer:
        return locale_drawer(self.made_of)

    @cached_property
    def plain_fields(self) -> list[str]:
        """The fields that awkward values may lie on: all but the author's own."""
        return [name for name in self.made_of.fields if name not in self.made_of.own]

    @cached_property
    def _overlay(self) -> Overlay:
        labels = chosen(self.made_of.labels, self.plain_fields)
        return Overlay(self.seed, self.made_of.edges, labels)

    def _check(self, index: int) -> None:
        most = ids.capacity(self.made_of.id_digits)
        if not 0 <= index < most:
            raise UsageError(
                f"user {index:,}",
                expected=f"0 to {most - 1:,}",
                cause=f"ids of {self.made_of.id_digits} digits tell {most:,} users apart",
                fix="Population.spec(id_digits=10) tells ten million apart",
            )
