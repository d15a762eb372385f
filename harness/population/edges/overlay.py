"""Which users carry which awkward values: a pure function of (seed, index), at an exact rate.

::

    users    . . . . . . . . . . | . . . . . . . . . . | . . . . . .        rate 1/10: blocks of ten
    awkward        x                 x                         x            one in each, at a drawn place
    block          0                 1                         2
    carries    [ every label once, in drawn order | rows of valid labels that hold all pairs ] again and again

So the first n users hold n * rate awkward ones, give or take the block that is under way; as few as there
are labels show every label; and nothing here touches the ordinary draw, so each awkward user has an
ordinary twin.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from math import gcd

import numpy as np

from harness.population.edges.label import Label
from harness.population.edges.pairs import Row, covering
from harness.population.words import Words, all_below, below, stream, word, words


@lru_cache(maxsize=32)
def _covering(labels: tuple[Label, ...]) -> tuple[Row, ...]:
    return covering([label for label in labels if label.sort == "valid"])


@dataclass(frozen=True)
class Coverage:
    """What the first users of a population show of the catalogue.

    singles, pairs  labels alone, and pairs of valid labels on two fields, that some user has
    all_singles     how many there are of them
    enough          how many users show everything (None: never, as the rate is 0)
    """

    users: int
    awkward: int
    singles: int
    all_singles: int
    pairs: int
    all_pairs: int
    enough: int | None


class Overlay:
    """The awkward values of one population. `rate` is the share of users that carry some."""

    def __init__(self, seed: int, rate: Fraction, labels: Sequence[Label]) -> None:
        self.rate = rate if labels else Fraction(0)
        self.catalogue = tuple(labels)
        self._place_key, self._order_key = stream(seed, "edges/place"), stream(seed, "edges/order")

    def labels(self, index: int) -> Row:
        """The labels of user `index`: none for most."""
        if not self.rate:
            return ()
        many, of = self.rate.numerator, self.rate.denominator
        block = index * many // of
        start, end = -(-block * of // many), -(-(block + 1) * of // many)
        if index != start + below(word(self._place_key, block), end - start):
            return ()
        return self.of_block(block)

    def awkward(self, indexes: Words) -> Iterator[tuple[int, Row]]:
        """Each row of an array of indexes that carries labels, with them."""
        if not self.rate or not len(indexes):
            return
        many, of = np.uint64(self.rate.numerator), np.uint64(self.rate.denominator)
        one = np.uint64(1)
        blocks = indexes * many // of
        start = (blocks * of + many - one) // many
        length = ((blocks + one) * of + many - one) // many - start
        place = start + all_below(words(self._place_key, blocks), length).view(np.uint64)
        for row in np.flatnonzero(place == indexes).tolist():
            yield row, self.of_block(int(blocks[row]))

    def of_block(self, block: int) -> Row:
        """The labels that the awkward user of a block carries."""
        alone = len(self.catalogue)
        cycle, place = divmod(block, alone + len(self._rows))
        if place < alone:
            return (self.catalogue[self._shuffled(2 * cycle, place, alone)],)
        return self._rows[self._shuffled(2 * cycle + 1, place - alone, len(self._rows))]

    @cached_property
    def _rows(self) -> tuple[Row, ...]:
        return _covering(self.catalogue)

    def _shuffled(self, round_number: int, place: int, size: int) -> int:
        """A permutation of 0..size-1 that is another one in each round."""
        bits = word(self._order_key, round_number)
        step = 1 + below(bits, size)
        while gcd(step, size) != 1:
            step += 1
        return (place * step + (bits & 0xFFFFFFFF)) % size

    def count(self, users: int) -> int:
        """How many of the first users are awkward."""
        if not self.rate:
            return 0
        block = users * self.rate.numerator // self.rate.denominator
        start = -(-block * self.rate.denominator // self.rate.numerator)
        return block + any(self.labels(index) for index in range(start, users))

    def coverage(self, users: int) -> Coverage:
        """What the first users show."""
        awkward = self.count(users)
        round_length = len(self.catalogue) + len(self._rows)
        shown = [self.of_block(block) for block in range(min(awkward, round_length))]
        every = [(label,) for label in self.catalogue] + list(self._rows)
        return Coverage(
            users=users,
            awkward=awkward,
            singles=len({label for row in shown for label in row}),
            all_singles=len(self.catalogue),
            pairs=len(_pairs_in(shown)),
            all_pairs=len(_pairs_in(every)),
            enough=int(-(-round_length // self.rate)) if self.rate else None,
        )


def _pairs_in(rows: Sequence[Row]) -> set[tuple[str, str]]:
    return {(one.name, two.name) for row in rows for one in row for two in row if one.name < two.name}
