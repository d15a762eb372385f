"""`${NAME}` in the values of a compose file, in all its forms.

$NAME  ${NAME}            its value, empty where it is not set
${NAME:-text} ${NAME-text}   `text` where it is not set (with the colon: or empty)
${NAME:?text} ${NAME?text}   an error that says `text`
${NAME:+text} ${NAME+text}   `text` where it is set
$$                        a dollar
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.compose.document import MOST_DEPTH, Table
from harness.errors import UsageError

_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_HOW = re.compile(r":?[-?+]")


@dataclass
class Interpolation:
    """Fills values from `known`; the names that were not set and had no default are kept in `unset`."""

    known: Mapping[str, str]
    unset: set[str] = field(default_factory=set)

    def everywhere(self, value: Any, where: str) -> Any:
        """A table, list or text with every text in it filled. Raises UsageError that says `where`."""
        if isinstance(value, Table):
            filled = Table()
            filled.lines = value.lines
            for key, inner in value.items():
                filled[key] = self.everywhere(inner, f"{where}.{key}" if where else key)
            return filled
        if isinstance(value, list):
            return [self.everywhere(inner, f"{where}[{n}]") for n, inner in enumerate(value)]
        return self.fill(value, where) if isinstance(value, str) and "$" in value else value

    def fill(self, text: str, where: str) -> str:
        """`text` with its variables filled."""
        found, end = self._until(text, 0, where, 0)
        assert end == len(text)
        return found

    def _until(self, text: str, at: int, where: str, depth: int) -> tuple[str, int]:
        """Fills from `at` to the end, or inside of braces (depth > 0) to the brace that closes them."""
        parts: list[str] = []
        while at < len(text):
            if depth and text[at] == "}":
                return "".join(parts), at + 1
            if text[at] != "$":
                parts.append(text[at])
                at += 1
                continue
            value, at = self._variable(text, at + 1, where, depth)
            parts.append(value)
        if depth:
            raise _wrong(where, text, "a `${` that is not closed")
        return "".join(parts), at

    def _variable(self, text: str, at: int, where: str, depth: int) -> tuple[str, int]:
        if text[at : at + 1] == "$":
            return "$", at + 1
        braces = text[at : at + 1] == "{"
        name = _NAME.match(text, at + braces)
        if name is None or depth >= MOST_DEPTH:
            raise _wrong(where, text, "a `$` without a name behind it")
        at = name.end()
        if not braces:
            return self._value(name[0]), at
        if text[at : at + 1] == "}":
            return self._value(name[0]), at + 1
        how = _HOW.match(text, at)
        if how is None:
            raise _wrong(where, text, f"`{text[at : at + 2]}` behind {name[0]}")
        other, at = self._until(text, how.end(), where, depth + 1)
        return self._chosen(name[0], how[0], other, where), at

    def _chosen(self, name: str, how: str, other: str, where: str) -> str:
        value = self.known.get(name)
        there = bool(value) if how.startswith(":") else value is not None
        if how.endswith("+"):
            return other if there else ""
        if there:
            return value or ""
        if how.endswith("?"):
            raise UsageError(
                f"{where} needs the variable {name}: {other or 'it is not set'}",
                fix=f"set {name} in the environment, or in .env beside the compose file",
            )
        return other

    def _value(self, name: str) -> str:
        if name not in self.known:
            self.unset.add(name)
        return self.known.get(name, "")


def _wrong(where: str, text: str, what: str) -> UsageError:
    return UsageError(
        f"{where} is {text[:100]!r}: {what}",
        expected="$NAME, ${NAME} or ${NAME:-text}",
        fix="write a plain dollar as $$",
    )


def dotenv(text: str, known: Mapping[str, str], where: str) -> dict[str, str | None]:
    """The entries of an env file. None for a name without `=`: its value comes from outside."""
    found: dict[str, str | None] = {}
    for number, row in enumerate(text.splitlines(), 1):
        line = row.strip().removeprefix("export ").lstrip()
        if not line or line.startswith("#"):
            continue
        name, equals, value = line.partition("=")
        name = name.strip()
        if not re.fullmatch(r"[\w.-]+", name):
            raise UsageError(f"{where}:{number}: {line[:60]!r}", expected="NAME=value", fix="mend that line")
        found[name] = (
            _unquoted(value.strip(), {**_set(found), **known}, f"{where}:{number}") if equals else None
        )
    return found


def _set(entries: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in entries.items() if value is not None}


def _unquoted(value: str, known: Mapping[str, str], where: str) -> str:
    quote = value[:1]
    if quote in ("'", '"') and value.find(quote, 1) > 0:
        inner = value[1 : value.find(quote, 1)]
        if quote == "'":
            return inner
        value = inner.replace("\\n", "\n").replace("\\t", "\t")
    else:
        value = re.split(r"\s#", value, maxsplit=1)[0].rstrip()
    return Interpolation(known).fill(value, where)
