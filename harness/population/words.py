"""Random words without state: word(key, index) is the same number in plain Python and in numpy.

A field's stream is a 64-bit key made of the seed and the stream's name; its word for user `index` is the
splitmix64 finaliser of ``key + (index + 1) * GOLDEN``. No word depends on another, so any set of indexes
may be asked for in any order, in any process, on any machine.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]
Places = npt.NDArray[np.int64]

MASK = 2**64 - 1
GOLDEN, FIRST, SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_GOLDEN, _FIRST, _SECOND = np.uint64(GOLDEN), np.uint64(FIRST), np.uint64(SECOND)
_27, _30, _31 = np.uint64(27), np.uint64(30), np.uint64(31)
HALF = np.uint64(32)


@lru_cache(maxsize=65_536)
def stream(seed: int, name: str) -> int:
    """The key of one stream of one population."""
    return int.from_bytes(blake2b(f"{seed}/{name}".encode(), digest_size=8).digest(), "little")


def word(key: int, index: int) -> int:
    """64 random bits for `index`, in plain Python."""
    z = (key + (index + 1) * GOLDEN) & MASK
    z = ((z ^ (z >> 30)) * FIRST) & MASK
    z = ((z ^ (z >> 27)) * SECOND) & MASK
    return z ^ (z >> 31)


def words(key: int, indexes: Words) -> Words:
    """The same 64 bits for every index of an array."""
    z = indexes * _GOLDEN
    z += np.uint64((key + GOLDEN) & MASK)
    z ^= z >> _30
    z *= _FIRST
    z ^= z >> _27
    z *= _SECOND
    z ^= z >> _31
    return z


def below(bits: int, size: int) -> int:
    """A number in 0..size-1 from the upper half of a word (size < 2**32)."""
    return ((bits >> 32) * size) >> 32


def all_below(bits: Words, size: Words | np.uint64) -> Places:
    """`below` for an array; `size` is one number or one for each word."""
    upper = bits >> HALF
    upper *= size
    upper >>= HALF
    return upper.view(np.int64)
