"""Ids that lead back to their user: a permutation of the 7-digit numbers, keyed by the seed."""

from __future__ import annotations

from math import gcd

LOW, COUNT = 1_000_000, 9_000_000


def _key(seed: int) -> tuple[int, int]:
    mixed = (seed * 0x9E3779B97F4A7C15 + 0xD1B54A32D192ED03) & (2**64 - 1)
    step = 2 * (mixed % (COUNT // 2)) + 1
    while gcd(step, COUNT) != 1:
        step += 2
    return step, (mixed >> 32) % COUNT


def encode(seed: int, index: int) -> str:
    """The 7-digit id of user `index`, 0 <= index < 9,000,000."""
    step, offset = _key(seed)
    return str(LOW + (index * step + offset) % COUNT)


def decode(seed: int, user_id: str) -> int | None:
    """The index behind `user_id`, or None where it is no 7-digit number."""
    if len(user_id) != 7 or not user_id.isascii() or not user_id.isdigit() or user_id[0] == "0":
        return None
    step, offset = _key(seed)
    return (int(user_id) - LOW - offset) * pow(step, -1, COUNT) % COUNT
