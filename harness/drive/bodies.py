"""What a request carries: a form, a form with files, JSON, bytes, or bytes in chunks."""

from __future__ import annotations

import json as json_codec
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

from harness.errors import UsageError
from harness.model.secret import Secret

Pairs = Mapping[str, Any] | Sequence[tuple[str, Any]]
Data = Pairs | bytes | Iterator[bytes]
BOUNDARY = "----RehearsalFormBoundary"
FORM, JSON = "application/x-www-form-urlencoded", "application/json"


class Body(NamedTuple):
    """The bytes of a body as they go out, their media type, how many fields they hold, and whether they are framed
    as chunks instead of by a Content-Length."""

    sent: bytes = b""
    kind: str = ""
    fields: int = 0
    chunked: bool = False


def body_of(data: Data | None, json: Any, parts: Pairs | None) -> Body:
    """The body for what a scenario hands in: at most one of the three. Raises UsageError."""
    given = [name for name, value in (("data", data), ("json", json), ("parts", parts)) if value is not None]
    if len(given) > 1:
        raise UsageError(
            f"a request was given {' and '.join(given)}",
            expected="one of data=, json= and parts=",
            fix="send the fields of a form with files in parts= too",
        )
    if json is not None:
        return Body(json_codec.dumps(json, default=_revealed).encode(), JSON)
    if parts is not None:
        return _multipart(pairs(parts))
    if data is None:
        return Body()
    if isinstance(data, bytes):
        return Body(data)
    if isinstance(data, Iterator):
        return Body(chunks(data), chunked=True)
    form = pairs(data)
    return Body(urlencode(form).encode(), FORM, len(form))


def chunks(pieces: Iterable[bytes]) -> bytes:
    """The pieces in HTTP's chunked framing, each a chunk."""
    framed = [b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces if piece]
    return b"".join(framed) + b"0\r\n\r\n"


def pairs(given: Pairs | None) -> list[tuple[str, Any]]:
    """Names and values in order; secrets as what they hide."""
    if given is None:
        return []
    named = given.items() if isinstance(given, Mapping) else given
    return [(name, value.reveal() if isinstance(value, Secret) else value) for name, value in named]


def _revealed(value: Any) -> str:
    """What JSON cannot write by itself, and may be a secret."""
    if isinstance(value, Secret):
        return value.reveal()
    raise TypeError(f"{type(value).__name__} cannot be sent as JSON")


def _multipart(fields: list[tuple[str, Any]]) -> Body:
    """As a browser sends a form with files: a value that is a tuple is a file (name, content, media type)."""
    rows = [_part(name, value) for name, value in fields]
    boundary = BOUNDARY
    while any(boundary.encode() in row for row in rows):
        boundary += "x"
    content = b"".join(b"--%s\r\n%s\r\n" % (boundary.encode(), row) for row in rows)
    end = b"--%s--\r\n" % boundary.encode()
    return Body(content + end, f"multipart/form-data; boundary={boundary}", len(fields))


def _part(name: str, value: Any) -> bytes:
    disposition = f'Content-Disposition: form-data; name="{_quoted(name)}"'
    if not isinstance(value, tuple):
        return disposition.encode() + b"\r\n\r\n" + _bytes(value)
    file, content, kind = (*value, "application/octet-stream")[:3]
    head = f'{disposition}; filename="{_quoted(file)}"\r\nContent-Type: {kind}\r\n\r\n'
    return head.encode() + _bytes(content)


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def _quoted(name: str) -> str:
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
