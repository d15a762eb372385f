"""Ids that lead back to their user, and refuse what is not theirs.

A short id is a number of a fixed length: a permutation of all numbers of that length, keyed by the seed.
Only the first part of them is ever given out, so a number that is none of ours mostly leads to an index
that no user has: of foreign 7-digit numbers 8 in 9 are refused, of 9-digit numbers 99 in 100, and whoever
knows the number of users refuses nearly all of the rest (``below=``). A UUID carries 58 check bits and
refuses all of them.
"""

from __future__ import annotations

from functools import lru_cache
from math import gcd

import numpy as np

from harness.population.tables import Plate, plate_of
from harness.population.words import GOLDEN, MASK, Words, stream, word, words

DIGITS = 7
"""How long a short id is unless the spec says otherwise."""


def capacity(digits: int) -> int:
    """How many users ids of this length can tell apart: 1,000,000 with 7 digits, 10 digits 10,000,000."""
    return int(max(min(10 ** (digits - 1), 10**6), 10 ** (digits - 3)))


@lru_cache(maxsize=1_024)
def _key(seed: int, digits: int) -> tuple[int, int]:
    count = 9 * 10 ** (digits - 1)
    mixed = stream(seed, f"id/{digits}")
    step = 2 * (mixed % (count // 2)) + 1
    while gcd(step, count) != 1:
        step += 2
    return step, word(mixed, 0) % count


def encode(seed: int, index: int, digits: int = DIGITS) -> str:
    """The id of user `index`."""
    step, offset = _key(seed, digits)
    low = 10 ** (digits - 1)
    return str(low + (index * step + offset) % (9 * low))


def decode(seed: int, user_id: str, digits: int = DIGITS) -> int | None:
    """The index behind `user_id`, or None where it is none of this population's."""
    if len(user_id) != digits or not user_id.isascii() or not user_id.isdigit() or user_id[0] == "0":
        return None
    step, offset = _key(seed, digits)
    low = 10 ** (digits - 1)
    index = (int(user_id) - low - offset) * pow(step, -1, 9 * low) % (9 * low)
    return index if index < capacity(digits) else None


def encode_all(seed: int, indexes: Words, digits: int = DIGITS) -> Plate:
    """The ids of many users."""
    step, offset = _key(seed, digits)
    low = 10 ** (digits - 1)
    count = np.uint64(9 * low)
    numbers = np.zeros(len(indexes), dtype=np.uint64)
    for piece in range(0, 64, 16):  # index * step in steps that stay below 2**64
        part = (indexes >> np.uint64(piece)) & np.uint64(0xFFFF)
        numbers += part * np.uint64((step << piece) % (9 * low)) % count
    numbers = (numbers + np.uint64(offset)) % count + np.uint64(low)
    return digits_of(numbers, digits)


@lru_cache(maxsize=8)
def _padded(width: int) -> Plate:
    return plate_of([f"{number:0{width}d}" for number in range(10**width)])


def digits_of(numbers: Words, width: int) -> Plate:
    """Numbers as text of exactly `width` digits."""
    out = np.empty((len(numbers), width), dtype=np.uint8)
    end = width
    while end:
        taken = min(4, end)
        higher = numbers // np.uint64(10**taken)
        out[:, end - taken : end] = _padded(taken).take(
            (numbers - higher * np.uint64(10**taken)).view(np.int64), axis=0
        )
        numbers, end = higher, end - taken
    return out


HEX = np.frombuffer("".join(f"{byte:02x}" for byte in range(256)).encode(), dtype=np.uint16)
VERSION, VARIANT = 0x4000, 0x8000_0000_0000_0000


@lru_cache(maxsize=1_024)
def _uuid_keys(seed: int) -> tuple[int, int]:
    return stream(seed, "uuid"), stream(seed, "uuid/check")


def _halves(front: int, check: int) -> str:
    """64 bits of the index and 58 of the check around a UUID's version (4) and variant."""
    low = VARIANT | (check & (1 << 58) - 1) << 4 | (front & 15)
    high = (front >> 16) << 16 | VERSION | (front >> 4) & 0xFFF
    text = f"{high:016x}{low:016x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def uuid(seed: int, index: int) -> str:
    """The UUID (version 4 in form) of user `index`."""
    key, check = _uuid_keys(seed)
    front = word(key, index)
    return _halves(front, word(check, front) >> 6)


def uuid_index(seed: int, text: str) -> int | None:
    """The index behind a UUID, or None where it is none of this population's."""
    bare = text.replace("-", "").lower()
    if len(bare) != 32 or any(letter not in "0123456789abcdef" for letter in bare):
        return None
    high, low = int(bare[:16], 16), int(bare[16:], 16)
    front = (high >> 16) << 16 | (high & 0xFFF) << 4 | low & 15
    key, _ = _uuid_keys(seed)
    index = _unword(key, front)
    return index if uuid(seed, index) == text.lower() else None


def _unshift(z: int, by: int) -> int:
    found = z
    for _ in range(64 // by):
        found = z ^ (found >> by)
    return found


def _unword(key: int, bits: int) -> int:
    """The index whose word this is."""
    z = _unshift(bits, 31) * pow(0x94D049BB133111EB, -1, MASK + 1) & MASK
    z = _unshift(z, 27) * pow(0xBF58476D1CE4E5B9, -1, MASK + 1) & MASK
    return ((_unshift(z, 30) - key) * pow(GOLDEN, -1, MASK + 1) - 1) & MASK


def uuids(seed: int, indexes: Words) -> Plate:
    """The UUIDs of many users."""
    key, check_key = _uuid_keys(seed)
    front = words(key, indexes)
    check = words(check_key, front) >> np.uint64(6)
    halves = np.empty((len(indexes), 2), dtype=">u8")
    halves[:, 1] = np.uint64(VARIANT) | check << np.uint64(4) | front & np.uint64(15)
    sixteen = np.uint64(16)
    halves[:, 0] = front >> sixteen << sixteen | np.uint64(VERSION) | front >> np.uint64(4) & np.uint64(0xFFF)
    text = HEX.take(halves.view(np.uint8)).view(np.uint8)
    out = np.full((len(indexes), 36), ord("-"), dtype=np.uint8)
    for start, end, shift in ((0, 8, 0), (8, 12, 1), (12, 16, 2), (16, 20, 3), (20, 32, 4)):
        out[:, start + shift : end + shift] = text[:, start:end]
    return out
