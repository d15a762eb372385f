"""The kinds of field: each computes its value for one user and its column for many, from the same words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np

from harness.errors import UsageError
from harness.population import ids
from harness.population.columns import Column, Objects, Picked, Text
from harness.population.rows import Row, Rows
from harness.population.tables import Draw, Draws, Keys, Plate, Tables, plate_of


class Field(Protocol):
    """One field of a population with its seed."""

    def value(self, row: Row) -> Any:
        """The value for one user."""

    def column(self, rows: Rows) -> Column:
        """The values for many users."""


class Drawn:
    """Text drawn from tables; `stream` names the words it uses."""

    def __init__(self, tables: Tables, seed: int, stream: str) -> None:
        self.tables, self._stream = tables, stream
        self._keys = Keys.of(seed, stream, len(tables.slots))

    def draw(self, row: Row) -> Draw:
        """The places drawn for one user."""
        return row.shared(self._stream, lambda: self.tables.draw(self._keys, row.index, row.locale))

    def draws(self, rows: Rows) -> Draws:
        """The places drawn for many users."""
        return rows.shared(self._stream, lambda: self.tables.draws(self._keys, rows.indexes, rows.locales))

    def value(self, row: Row) -> str:
        """The string for one user."""
        return self.tables.text(self.draw(row))

    def column(self, rows: Rows) -> Text:
        """The strings for many users."""
        return Text(self.tables.plate(self.draws(rows)), self.tables.plain)


class Constant:
    """One string for each locale: the locale's name, its country."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts, self._plate = list(texts), plate_of(texts)

    def value(self, row: Row) -> str:
        """The string of the user's locale."""
        return self._texts[row.locale]

    def column(self, rows: Rows) -> Text:
        """The strings of the users' locales."""
        return Text(self._plate.take(rows.locales, axis=0))


class ShortId:
    """The reversible number that the batch knows the user by."""

    def __init__(self, digits: int) -> None:
        self.digits = digits

    def value(self, row: Row) -> str:
        """The id of one user."""
        return ids.encode(row.seed, row.index, self.digits)

    def column(self, rows: Rows) -> Text:
        """The ids of many users."""
        return Text(self.plate(rows))

    def plate(self, rows: Rows) -> Plate:
        """The ids as bytes."""
        return rows.shared("id", lambda: ids.encode_all(rows.seed, rows.indexes, self.digits))


class Uuid:
    """The reversible UUID."""

    def value(self, row: Row) -> str:
        """The UUID of one user."""
        return ids.uuid(row.seed, row.index)

    def column(self, rows: Rows) -> Text:
        """The UUIDs of many users."""
        return Text(ids.uuids(rows.seed, rows.indexes))


class Chosen:
    """Values that are no text, sampled from a Faker method; the tables hold their JSON."""

    def __init__(self, drawn: Drawn, read: Callable[[str], Any]) -> None:
        self._drawn = drawn
        (slot,) = drawn.tables.slots
        self._objects = np.empty(len(slot.texts), dtype=np.object_)
        for place, text in enumerate(slot.texts):
            self._objects[place] = read(text)

    def value(self, row: Row) -> Any:
        """The value for one user."""
        return self._objects[self._drawn.draw(row).places[0]]

    def column(self, rows: Rows) -> Picked:
        """The values for many users."""
        return Picked(self._drawn.draws(rows).places[0], self._objects, self._drawn.tables.plates[0])


class Own:
    """A function of the author's: gets a `Draft` of the user, returns the value."""

    def __init__(self, name: str, function: Callable[[Draft], Any], fields: Mapping[str, Field]) -> None:
        self._name, self._function, self._fields = name, function, fields

    def value(self, row: Row) -> Any:
        """The value for one user."""
        try:
            return self._function(Draft(row, self._name, self._fields))
        except Exception as problem:
            raise UsageError(
                f"the function of field {self._name!r} failed for user {row.index}: {problem!r}",
                expected="a value, from a function that takes the user so far",
                fix=f"call it with population.user({row.index}) and look",
            ) from problem

    def column(self, rows: Rows) -> Objects:
        """The values for many users, one by one."""
        table = rows.locale_table
        return Objects([self.value(Row(rows.seed, int(index), table)) for index in rows.indexes])


class Draft:
    """The user so far, as a function of the author's sees it.

    ``draft["name"]`` is any other field (without awkward values laid over it), ``draft.index`` the user's
    number, and ``draft.random`` a `random.Random` of this user's and this field's own.
    """

    def __init__(self, row: Row, name: str, fields: Mapping[str, Field]) -> None:
        self._row, self._name, self._fields = row, name, MappingProxyType(dict(fields))
        self.index = row.index

    def __getitem__(self, name: str) -> Any:
        if name == self._name or name not in self._fields:
            raise KeyError(
                f"{name}; fields: {', '.join(known for known in self._fields if known != self._name)}"
            )
        return self._fields[name].value(self._row)

    @property
    def random(self) -> Random:
        """Chance that is the same in every run."""
        return self._row.random(self._name)
