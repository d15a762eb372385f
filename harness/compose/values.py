"""The kinds of values that compose files have, with an error that names the place where one is not of its kind."""

from __future__ import annotations

import re
import shlex
from typing import Any

from harness.compose.document import Table
from harness.errors import UsageError

_SIZE = {"": 1, "b": 1, "k": 2**10, "kb": 2**10, "m": 2**20, "mb": 2**20, "g": 2**30, "gb": 2**30}
_TIME = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


def wrong(where: str, value: Any, expected: str) -> UsageError:
    """What is at `where` is not as it should be."""
    return UsageError(
        f"{where} is {str(value)[:100]!r}", expected=expected, fix="mend it in the compose file"
    )


def text(value: Any, where: str) -> str:
    """One text; a truth value as its word."""
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str):
        raise wrong(where, value, "a text")
    return value


def truth(value: Any, where: str) -> bool:
    """true or false."""
    if value not in (True, False, "true", "false"):
        raise wrong(where, value, "true or false")
    return value in (True, "true")


def table(value: Any, where: str) -> Table:
    """A table; nothing is an empty one."""
    if value is None:
        return Table()
    if not isinstance(value, Table):
        raise wrong(where, value, "a table")
    return value


def texts(value: Any, where: str) -> list[str]:
    """A list of texts, or one."""
    if value is None:
        return []
    rows = value if isinstance(value, list) else [value]
    return [text(row, f"{where}[{n}]") for n, row in enumerate(rows)]


def pairs(value: Any, where: str) -> dict[str, str | None]:
    """`A: b` or `- A=b`; None where a name has no value."""
    if isinstance(value, Table):
        return {
            name: None if inner is None else text(inner, f"{where}.{name}") for name, inner in value.items()
        }
    split = [row.partition("=") for row in texts(value, where)]
    return {name: inner if equals else None for name, equals, inner in split}


def words(value: Any, where: str) -> list[str]:
    """A command: words as they are, text split as a shell does."""
    if isinstance(value, list):
        return texts(value, where)
    try:
        return shlex.split(text(value, where)) if value is not None else []
    except ValueError as problem:
        raise wrong(where, value, f"a command that a shell can split ({problem})") from problem


def size(value: Any, where: str) -> int:
    """Bytes of "512m", "1.5gb" or "4096"."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]*)", text(value, where).strip().lower())
    unit = _SIZE.get(match[2].replace("ib", "b")) if match else None
    if match is None or unit is None:
        raise wrong(where, value, "a size such as 512m or 1g")
    return int(float(match[1]) * unit)


def seconds(value: Any, where: str) -> float:
    """Seconds of "1m30s", "500ms" or "10"."""
    given = text(value, where).replace(" ", "")
    if re.fullmatch(r"\d+(\.\d+)?", given):
        return float(given)
    parts = re.findall(r"(\d+(?:\.\d+)?)(us|ms|s|m|h)", given)
    if not parts or "".join(a + b for a, b in parts) != given:
        raise wrong(where, value, "a duration such as 1m30s")
    return sum(float(number) * _TIME[unit] for number, unit in parts)


def number(value: Any, where: str) -> int:
    """A whole number that is not negative."""
    given = text(value, where)
    if not re.fullmatch(r"\d{1,9}", given):
        raise wrong(where, value, "a whole number")
    return int(given)
