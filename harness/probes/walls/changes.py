"""Ways to change a trigger's request on its way out, each leaving what the batch reads as it was."""

from __future__ import annotations

import re
from collections.abc import Callable

from msgspec.structs import replace

from harness.model.request import Request
from harness.probes.walls.shape import PARTS, each_part, longer, media_type, with_content

Change = Callable[[Request], Request]

ESCAPED = re.compile(rb"%(?!2C|5B|5D|20|0A|0D|2B|2F|3D)[0-9A-F]{2}", re.IGNORECASE)
"""Escapes that a rule may look at; separators, and what a token in base64 is written with, are left alone."""
UNUSUAL = re.compile(rb"\\u[0-9a-fA-F]{4}|\.{2,}|[<>;'()*|`$#\x80-\xff]")


def padded(size: int) -> Change:
    """`size` bytes more, in one more field or behind a JSON document; other bodies stay as they are."""
    return lambda request: longer(request, size)


def neutral(request: Request) -> Request:
    """As many bytes, with every letter that a rule on content may look at made an x."""
    target = _plain(request.target.encode("latin-1")).decode("latin-1")
    request = replace(request, target=target)
    if media_type(request).startswith(PARTS):
        return each_part(request, _plain)
    return with_content(request, _plain(request.content()))


def from_page_of(origin: str) -> Change:
    """As sent from a page of `origin` (scheme, host and port)."""
    own = {"Origin": origin, "Referer": f"{origin}/", "Sec-Fetch-Site": "same-origin"}

    def change(request: Request) -> Request:
        rest = [(name, value) for name, value in request.headers if name.title() not in own]
        return replace(request, headers=(*rest, *own.items()))

    return change


def _plain(text: bytes) -> bytes:
    return UNUSUAL.sub(lambda found: b"x" * len(found[0]), ESCAPED.sub(b"xxx", text))
