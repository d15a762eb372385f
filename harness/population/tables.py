"""Grammars compiled to tables, and drawn from: for one user in plain Python, for many in numpy.

Every draw is the same three steps: the upper half of a word picks a place in a pool, the lower half decides
whether to stay there or to take that place's alias (Vose's method), so a weighted choice of 1,000 costs as
much as one of 2.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.population.grammar import Grammar, Pool
from harness.population.words import Places, Words, all_below, below, stream, word, words

Plate = npt.NDArray[np.uint8]
"""A column of text as a matrix: a row for each user, UTF-8, with NUL bytes as filling, dropped at the end."""

WHOLE = 2**32
ESCAPED = re.compile(r'[\x00-\x1f"\\]')


def plate_of(texts: Sequence[str]) -> Plate:
    """Strings as a plate."""
    encoded = [text.encode() for text in texts]
    width = max([1, *map(len, encoded)])
    return np.array(encoded, dtype=f"S{width}").view(np.uint8).reshape(len(encoded), width)


def needs_no_escape(text: str) -> bool:
    """Whether a string may stand in JSON as it is."""
    return ESCAPED.search(text) is None


def alias(weights: Sequence[float]) -> tuple[list[int], list[int]]:
    """For each place the 32-bit mark below which a draw stays, and the place it goes to otherwise."""
    size, total = len(weights), float(sum(weights))
    scaled = [weight * size / total for weight in weights]
    marks, other = [WHOLE - 1] * size, list(range(size))
    small = [place for place in range(size) if scaled[place] < 1]
    large = [place for place in range(size) if scaled[place] >= 1]
    while small and large:
        poor, rich = small.pop(), large[-1]
        marks[poor], other[poor] = int(scaled[poor] * (WHOLE - 1)), rich
        scaled[rich] -= 1 - scaled[poor]
        if scaled[rich] < 1:
            small.append(large.pop())
    return marks, other


class Drawer:
    """Several pools one after another in one table, each known by its base and size.

    The same pool asked for twice is held once.
    """

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.tags: list[str] = []
        self._marks: list[int] = []
        self._other: list[int] = []
        self._known: dict[int, tuple[int, int]] = {}
        self._held: list[Pool] = []
        self.weighted = False

    def add(self, pool: Pool) -> tuple[int, int]:
        """Puts a pool in; returns its base and size."""
        if id(pool) in self._known:
            return self._known[id(pool)]
        base, size = len(self.texts), len(pool.values)
        self.texts += pool.values
        self.tags += [pool.tag] * size
        if pool.weights is None:
            self._marks += [WHOLE - 1] * size
            self._other += range(base, base + size)
        else:
            marks, other = alias(pool.weights)
            self._marks += marks
            self._other += [base + place for place in other]
            self.weighted = True
        self._known[id(pool)] = base, size
        self._held.append(pool)
        return base, size

    def close(self) -> None:
        """Makes the arrays; nothing is added afterwards."""
        self._mark_array = np.array(self._marks, dtype=np.uint32)
        self._other_array = np.array(self._other, dtype=np.int64)

    def place(self, bits: int, base: int, size: int) -> int:
        """Where a word leads in the pool at `base`."""
        at = base + below(bits, size)
        return at if (bits & 0xFFFFFFFF) <= self._marks[at] else self._other[at]

    def places(self, bits: Words, base: Places | int, size: Words | np.uint64) -> Places:
        """The same for an array of words."""
        at = all_below(bits, size)
        at += base
        if not self.weighted:
            return at
        stays = bits.astype(np.uint32) <= self._mark_array.take(at)
        return np.where(stays, at, self._other_array.take(at))


@dataclass(frozen=True)
class Draw:
    """What was drawn for one user: the format's number, and a place in each slot's table."""

    form: int
    places: list[int]


@dataclass(frozen=True)
class Draws:
    """What was drawn for many users; `forms` is one number where there is but one format."""

    forms: Places | int
    places: list[Places]


class Tables:
    """The grammars of one field in all its locales.

    ``slots[s]`` holds what may stand at position s of any format; shorter formats end in the empty string.
    """

    def __init__(self, grammars: Sequence[Grammar]) -> None:
        formats = [item for grammar in grammars for item in grammar]
        self.forms = Drawer()
        weights = [Pool(("",) * len(grammar), tuple(item.weight for item in grammar)) for grammar in grammars]
        self.ranges = [self.forms.add(pool) for pool in weights]
        self.forms.close()
        self.count = len(formats)
        self.slots = [Drawer() for _ in range(max(len(item.pools) for item in formats))]
        empty = Pool(("",))
        self.layout = [
            [
                slot.add(item.pools[at] if at < len(item.pools) else empty)
                for at, slot in enumerate(self.slots)
            ]
            for item in formats
        ]
        for slot in self.slots:
            slot.close()
        self._arrange()

    def _arrange(self) -> None:
        """The layout as arrays, by slot. A slot that is fixed has one string in every format, and no word."""
        self._range_bases = np.array([base for base, _ in self.ranges])
        self._range_sizes = np.array([size for _, size in self.ranges], dtype=np.uint64)
        table = np.array(self.layout)
        self._bases = [np.ascontiguousarray(table[:, at, 0]) for at in range(len(self.slots))]
        self._sizes = [
            np.ascontiguousarray(table[:, at, 1]).astype(np.uint64) for at in range(len(self.slots))
        ]
        self.fixed = [bool((sizes == 1).all()) for sizes in self._sizes]
        self.plates = [plate_of(slot.texts) for slot in self.slots]
        self.plain = all(needs_no_escape("".join(slot.texts)) for slot in self.slots)

    def draw(self, keys: Keys, index: int, locale: int) -> Draw:
        """What is drawn for user `index`."""
        base, size = self.ranges[locale]
        form = base if size == 1 else self.forms.place(word(keys.form, index), base, size)
        places = []
        for at, (start, many) in enumerate(self.layout[form]):
            if many > 1:
                start = self.slots[at].place(word(keys.slots[at], index), start, many)
            places.append(start)
        return Draw(form, places)

    def draws(self, keys: Keys, indexes: Words, locales: Places) -> Draws:
        """What is drawn for each user of an array."""
        if self.count == 1:
            return Draws(0, [self._single(keys, at, indexes) for at in range(len(self.slots))])
        if len(self.ranges) == 1:
            forms = self.forms.places(words(keys.form, indexes), 0, self._range_sizes[0])
        else:
            bases, sizes = self._range_bases.take(locales), self._range_sizes.take(locales)
            forms = self.forms.places(words(keys.form, indexes), bases, sizes)
        return Draws(forms, [self._slot(keys, at, indexes, forms) for at in range(len(self.slots))])

    def _single(self, keys: Keys, at: int, indexes: Words) -> Places:
        if self.fixed[at]:
            return np.zeros(len(indexes), dtype=np.int64)
        return self.slots[at].places(words(keys.slots[at], indexes), 0, self._sizes[at][0])

    def _slot(self, keys: Keys, at: int, indexes: Words, forms: Places) -> Places:
        bases = self._bases[at].take(forms)
        if self.fixed[at]:
            return bases
        return self.slots[at].places(words(keys.slots[at], indexes), bases, self._sizes[at].take(forms))

    def text(self, drawn: Draw) -> str:
        """The string that was drawn."""
        return "".join([slot.texts[place] for slot, place in zip(self.slots, drawn.places, strict=True)])

    def plate(self, drawn: Draws, before: int = 0) -> Plate:
        """The strings that were drawn, with `before` empty bytes in front."""
        width = before + sum(plate.shape[1] for plate in self.plates)
        out = np.zeros((len(drawn.places[0]), width), dtype=np.uint8)
        for plate, places in zip(self.plates, drawn.places, strict=True):
            out[:, before : before + plate.shape[1]] = plate.take(places, axis=0)
            before += plate.shape[1]
        return out


@dataclass(frozen=True)
class Keys:
    """The streams of one field in one population."""

    form: int
    slots: list[int]

    @classmethod
    def of(cls, seed: int, name: str, slots: int) -> Keys:
        """A stream for the format and one for every slot."""
        return cls(stream(seed, f"{name}/form"), [stream(seed, f"{name}/{at}") for at in range(slots)])
