"""Sizes and durations as people write them."""

from __future__ import annotations

import re

from harness.errors import UsageError

_UNITS = {"": 1, "B": 1, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "KB": 10**3, "MB": 10**6, "GB": 10**9}
_SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def parse_size(text: str, *, what: str) -> int:
    """Bytes of "512 MiB", "1.5GB" or "4096". Raises UsageError."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]*)\s*", text)
    unit = _UNITS.get(match[2].upper()) if match else None
    if match is None or unit is None:
        raise UsageError(
            f"{what} is {text!r}", expected="a number and a unit, such as 512 MiB", fix="write it so"
        )
    return int(float(match[1]) * unit)


def parse_duration(text: str, *, what: str) -> float:
    """Seconds of "90", "45s", "1h30m" or "4h". Raises UsageError."""
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*([smhd]?)", text.strip())
    if not parts or "".join(a + b for a, b in parts) != text.replace(" ", ""):
        raise UsageError(
            f"{what} is {text!r}", expected="a duration such as 90s, 45m or 1h30m", fix="write it so"
        )
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def parse_multiples(text: str, *, what: str, ascending: bool = False) -> tuple[int, ...]:
    """(1, 2, 5) of "1,2,5" or "1x, 2x, 5x". Raises UsageError."""
    parts = re.findall(r"(?:^|,)\s*(\d{1,9})x?\s*(?=,|$)", text, re.ASCII)
    found = tuple(map(int, parts))
    if len(found) != text.count(",") + 1 or 0 in found or (ascending and list(found) != sorted({*found})):
        raise UsageError(
            f"{what} is {text!r}",
            expected=f"{'ascending ' if ascending else ''}whole numbers such as 1,2,5,10",
            fix="write it so",
        )
    return found
