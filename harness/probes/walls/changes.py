"""Ways to change a trigger's request on its way out, each leaving what the batch reads as it was."""

from __future__ import annotations

import re
from collections.abc import Callable

from msgspec.structs import replace

from harness.model.request import Request

Change = Callable[[Request], Request]

FORM, PARTS, JSON = "application/x-www-form-urlencoded", "multipart/form-data", "json"
ESCAPED = re.compile(rb"%(?!2C|5B|5D|20|0A|0D)[0-9A-F]{2}", re.IGNORECASE)
UNUSUAL = re.compile(rb"\\u[0-9a-fA-F]{4}|[<>;'()*|`$#\x80-\xff]")


def content_type(request: Request) -> str:
    """The media type of its body, with parameters."""
    return next((value for name, value in request.headers if name.lower() == "content-type"), "")


def padded(size: int) -> Change:
    """`size` bytes in one more field, or in blanks behind a JSON document. Other bodies cannot be padded."""

    def change(request: Request) -> Request:
        kind = content_type(request).lower()
        if not size or not request.body:
            return request
        if kind.startswith(FORM):
            return replace(request, body=request.body + b"&rehearsal_padding=" + b"p" * size)
        if kind.startswith(PARTS):
            first, _, _ = request.body.partition(b"\r\n")
            part = b'\r\nContent-Disposition: form-data; name="rehearsal_padding"\r\n\r\n' + b"p" * size
            return replace(request, body=first + part + b"\r\n" + request.body)
        return replace(request, body=request.body + b" " * size) if JSON in kind else request

    return change


def neutral(request: Request) -> Request:
    """As many bytes, with every letter that a rule on content may look at made an x."""
    target = _plain(request.target.encode("latin-1")).decode("latin-1")
    return replace(request, target=target, body=_plain(request.body))


def from_page_of(origin: str) -> Change:
    """As sent from a page of `origin` (scheme, host and port)."""
    own = {"Origin": origin, "Referer": f"{origin}/", "Sec-Fetch-Site": "same-origin"}

    def change(request: Request) -> Request:
        rest = [(name, value) for name, value in request.headers if name.title() not in own]
        return replace(request, headers=(*rest, *own.items()))

    return change


def _plain(text: bytes) -> bytes:
    return UNUSUAL.sub(lambda found: b"x" * len(found[0]), ESCAPED.sub(b"xxx", text))
