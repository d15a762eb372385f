"""The users a field is computed for: one (`Row`) or many (`Rows`), with what fields share of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from random import Random
from typing import TypeVar, cast

import numpy as np

from harness.population.tables import Drawer
from harness.population.words import Places, Words, stream, word, words

Shared = TypeVar("Shared")


class _Drawn:
    """What one and many have in common: a seed, the table of locales, and values made once."""

    def __init__(self, seed: int, locale_table: Drawer) -> None:
        self.seed, self.locale_table = seed, locale_table
        self._shared: dict[str, object] = {}

    def shared(self, name: str, make: Callable[[], Shared]) -> Shared:
        """What several fields need, made once."""
        if name not in self._shared:
            self._shared[name] = make()
        return cast(Shared, self._shared[name])


class Row(_Drawn):
    """User `index` while its fields are computed."""

    def __init__(self, seed: int, index: int, locale_table: Drawer) -> None:
        super().__init__(seed, locale_table)
        self.index = index

    @cached_property
    def locale(self) -> int:
        """The place of the user's locale in the spec."""
        size = len(self.locale_table.texts)
        return self.locale_table.place(word(stream(self.seed, "locale"), self.index), 0, size)

    def random(self, name: str) -> Random:
        """A random generator of the user's own for one field."""
        return Random(word(stream(self.seed, f"{name}/random"), self.index))


class Rows(_Drawn):
    """The users of an array of indexes while a column is computed."""

    def __init__(self, seed: int, indexes: Words, locale_table: Drawer) -> None:
        super().__init__(seed, locale_table)
        self.indexes = indexes

    def __len__(self) -> int:
        return len(self.indexes)

    @cached_property
    def locales(self) -> Places:
        """The place of each user's locale in the spec."""
        size = len(self.locale_table.texts)
        bits = words(stream(self.seed, "locale"), self.indexes)
        return self.locale_table.places(bits, 0, np.uint64(size))
