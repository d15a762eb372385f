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


class Row:
    """User `index` while its fields are computed."""

    def __init__(self, seed: int, index: int, locales: Drawer) -> None:
        self.seed, self.index, self._locales = seed, index, locales
        self._shared: dict[str, object] = {}

    @cached_property
    def locale(self) -> int:
        """The place of the user's locale in the spec."""
        size = len(self._locales.texts)
        return self._locales.place(word(stream(self.seed, "locale"), self.index), 0, size) if size > 1 else 0

    def shared(self, name: str, make: Callable[[], Shared]) -> Shared:
        """What several fields need, made once."""
        if name not in self._shared:
            self._shared[name] = make()
        return cast(Shared, self._shared[name])

    def random(self, name: str) -> Random:
        """A random generator of the user's own for one field."""
        return Random(word(stream(self.seed, f"{name}/random"), self.index))


class Rows:
    """The users of an array of indexes while a column is computed."""

    def __init__(self, seed: int, indexes: Words, locales: Drawer) -> None:
        self.seed, self.indexes, self._locales = seed, indexes, locales
        self._shared: dict[str, object] = {}

    def __len__(self) -> int:
        return len(self.indexes)

    @cached_property
    def locales(self) -> Places:
        """The place of each user's locale in the spec."""
        size = len(self._locales.texts)
        if size == 1:
            return np.zeros(len(self.indexes), dtype=np.int64)
        bits = words(stream(self.seed, "locale"), self.indexes)
        return self._locales.places(bits, 0, np.uint64(size))

    def shared(self, name: str, make: Callable[[], Shared]) -> Shared:
        """What several fields need, made once."""
        if name not in self._shared:
            self._shared[name] = make()
        return cast(Shared, self._shared[name])
