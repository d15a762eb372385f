"""From a template to requests: the texts are taken apart once, so that a user costs a formatting and no more."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from json.encoder import encode_basestring
from typing import Any
from urllib.parse import quote, quote_plus, urlsplit

from harness.drive.locust.terms import Template
from harness.errors import UsageError

_FIELD = re.compile(r"\{(\w+)\}")
BODILESS = ("GET", "HEAD", "DELETE", "OPTIONS")
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Pattern:
    """A text with places for fields: `text % values`, each value passed through `encode`."""

    text: str
    fields: tuple[str, ...]
    encode: tuple[Callable[[Any], str], ...]

    def fill(self, row: Row) -> str:
        """The text for one user."""
        if not self.fields:
            return self.text % ()
        return self.text % tuple(
            [encode(row[name]) for name, encode in zip(self.fields, self.encode, strict=True)]
        )


def pattern(text: str, encode: Callable[[Any], str]) -> Pattern:
    """The pattern behind a text with `{field}` in it."""
    fields = tuple(_FIELD.findall(text))
    return Pattern(_FIELD.sub("%s", text.replace("%", "%%")), fields, (encode,) * len(fields))


def json_pattern(body: Any) -> Pattern:
    """The same for a JSON body. A text that is `{field}` and nothing else becomes the field's own value, a number
    for a number."""
    parts: list[str] = []
    fields: list[tuple[str, Callable[[Any], str]]] = []

    def write(value: Any) -> None:
        if isinstance(value, str) and (whole := _FIELD.fullmatch(value)):
            parts.append("%s")
            fields.append((whole[1], _value))
        elif isinstance(value, str):
            found = pattern(encode_basestring(value), _inside)
            parts.append(found.text)
            fields.extend(zip(found.fields, found.encode, strict=True))
        elif isinstance(value, Mapping):
            parts.append("{")
            for at, (name, held) in enumerate(value.items()):
                parts.append("," if at else "")
                write_plain(str(name))
                parts.append(":")
                write(held)
            parts.append("}")
        elif isinstance(value, (list, tuple)):
            parts.append("[")
            for at, held in enumerate(value):
                parts.append("," if at else "")
                write(held)
            parts.append("]")
        else:
            write_plain(value)

    def write_plain(value: Any) -> None:
        parts.append(json.dumps(value, ensure_ascii=False).replace("%", "%%"))

    write(body)
    return Pattern("".join(parts), tuple(name for name, _ in fields), tuple(encode for _, encode in fields))


def _value(value: Any) -> str:
    return (
        encode_basestring(value)
        if isinstance(value, str)
        else json.dumps(value, ensure_ascii=False, default=str)
    )


def _inside(value: Any) -> str:
    return encode_basestring(str(value))[1:-1]


@dataclass(frozen=True)
class Requests:
    """A template, taken apart. `head` is what stands between the target and the length of the body."""

    method: str
    path: Pattern
    body: Pattern | None
    head: bytes

    @property
    def fields(self) -> set[str]:
        """The fields of a user that it names."""
        return {*self.path.fields, *(self.body.fields if self.body else ())}

    def wires(self, rows: Iterable[Row]) -> list[bytes]:
        """The whole request of each user, as it goes on the wire."""
        start, path, body, head = f"{self.method} ".encode(), self.path, self.body, self.head
        if body is None:
            empty = head + (b"\r\n" if self.method in BODILESS else b"Content-Length: 0\r\n\r\n")
            return [start + path.fill(row).encode() + empty for row in rows]
        found = []
        for row in rows:
            filled = body.fill(row).encode()
            found.append(
                b"%b%b%bContent-Length: %d\r\n\r\n%b"
                % (start, path.fill(row).encode(), head, len(filled), filled)
            )
        return found


def take_apart(template: Template) -> Requests:
    """The template, ready to be filled."""
    path = pattern(template.path, lambda value: quote(str(value), safe=""))
    body, kind = None, ""
    if template.json is not None:
        body, kind = json_pattern(template.json), "application/json"
    elif template.form is not None:
        fields = "&".join(f"{quote_plus(name)}={_kept(text)}" for name, text in template.form.items())
        body, kind = (
            pattern(fields, lambda value: quote_plus(str(value))),
            "application/x-www-form-urlencoded",
        )
    own = {"Host": urlsplit(template.base).netloc, "User-Agent": "rehearse", "Accept": "*/*"}
    own |= {"Content-Type": kind} if kind else {}
    lines = "".join(f"{name}: {value}\r\n" for name, value in (own | template.headers).items())
    return Requests(template.method, path, body, b" HTTP/1.1\r\n" + lines.encode("latin-1"))


def _kept(text: str) -> str:
    """Percent-encoded, but for the places of fields."""
    return "".join(
        part if _FIELD.fullmatch(part) else quote_plus(part) for part in re.split(r"(\{\w+\})", text)
    )


def check_fields(template: Template, known: Iterable[str], where: str) -> None:
    """Raises UsageError where a template names a field that users do not have."""
    known = list(known)
    unknown = sorted(take_apart(template).fields - set(known))
    if unknown:
        raise UsageError(
            f"{where} names {', '.join('{' + name + '}' for name in unknown)}",
            expected=f"fields that the users have: {', '.join(known)}",
            fix="add the field to the scenario's population, or mend the name",
        )
