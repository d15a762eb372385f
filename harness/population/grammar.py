"""What a Faker method can say, as data: pools of strings, and formats that put pools side by side.

::

    name (en_US)  =  97 %   [first_name_female] " " [last_name]
                   | 1.5 %  [prefix_female] " " [first_name_female] " " [last_name]
                   | ...
    postcode      =         [digits, 4] [digits, 1]
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

LARGEST_RUN = 10_000
"""Neighbouring random characters become one pool of at most this many strings."""

MOST_FORMATS = 5_000


class NotReadable(Exception):
    """This method is more than formats and pools; it has to be sampled."""


@dataclass(frozen=True, eq=False)
class Pool:
    """Strings to choose from.

    weights  None where all are equally likely
    tag      the Faker method that the pool came from, such as ``last_name``
    """

    values: tuple[str, ...]
    weights: tuple[float, ...] | None = None
    tag: str = ""


@dataclass(frozen=True, eq=False)
class Format:
    """Pools side by side, and how often this arrangement comes up."""

    pools: tuple[Pool, ...]
    weight: float


Grammar = tuple[Format, ...]

UPPER = string.ascii_uppercase
DIGITS: dict[str, tuple[Sequence[str], tuple[float, ...] | None]] = {
    "#": (string.digits, None),
    "%": (string.digits[1:], None),
    "$": (string.digits[2:], None),
    "!": (("", *string.digits), (10, *[1] * 10)),
    "@": (("", *string.digits[1:]), (9, *[1] * 9)),
}
"""Faker's placeholders for a digit: any, 1-9, 2-9, any or none, 1-9 or none."""


@lru_cache(maxsize=4_096)
def literal(text: str) -> Pool:
    """A pool with one string."""
    return Pool((text,))


@lru_cache(maxsize=4_096)
def _run(alphabets: tuple[Sequence[str], ...]) -> Pool:
    return Pool(tuple(map("".join, product(*alphabets))))


@lru_cache(maxsize=64)
def _character(letters: Sequence[str], weights: tuple[float, ...]) -> Pool:
    return Pool(tuple(letters), weights)


def pattern(text: str, letters: str = "", digits: bool = True, hexadecimal: str = "") -> tuple[Pool, ...]:
    """The pools of a pattern such as ``+49 (0)%## ####``; `letters` replaces ``?``, `hexadecimal` ``^``."""
    kinds: dict[str, tuple[Sequence[str], tuple[float, ...] | None]] = dict(DIGITS) if digits else {}
    if letters:
        kinds["?"] = (letters, None)
    if hexadecimal:
        kinds["^"] = (hexadecimal, None)
    return tuple(_pieces(text, kinds))


def _pieces(text: str, kinds: dict[str, tuple[Sequence[str], tuple[float, ...] | None]]) -> Iterator[Pool]:
    plain, run, size = "", list[Sequence[str]](), 1
    for character in text:
        letters, weights = kinds.get(character, ((), None))
        if run and (not letters or weights or size * len(letters) > LARGEST_RUN):
            yield _run(tuple(run))
            run, size = [], 1
        if plain and letters:
            yield literal(plain)
            plain = ""
        if not letters:
            plain += character
        elif weights:
            yield _character(letters, weights)
        else:
            run.append(letters)
            size *= len(letters)
    if run:
        yield _run(tuple(run))
    if plain:
        yield literal(plain)


def readable(formats: Iterable[Format]) -> Grammar:
    """The formats as a grammar, if they are few enough to be listed."""
    kept: list[Format] = []
    for item in formats:
        kept.append(item)
        if len(kept) > MOST_FORMATS:
            raise NotReadable("too many formats")
    return tuple(kept)
