"""What a request's body is made of, as the one who reads it counts: fields, parts, files, levels of nesting."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlsplit

from msgspec.structs import replace

from harness.model.request import Request, measure
from harness.model.walls import WallKind

FORM, PARTS, JSON = "application/x-www-form-urlencoded", "multipart/form-data", "json"
TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)
READ_AS_FORM: tuple[WallKind, ...] = ("nesting", "fields")
OPEN_KEY = re.compile(rb"\[|%5B", re.IGNORECASE)
BOUNDARY = re.compile(r'boundary="?([^";]+)')


class Part(NamedTuple):
    """One part of a multipart form: its head, its content, and whether it is a file."""

    head: bytes
    content: bytes
    file: bool


def media_type(request: Request) -> str:
    """The media type of its body, with parameters, in small letters."""
    return _content_type(request).lower()


def _content_type(request: Request) -> str:
    return next((value for name, value in request.headers if name.lower() == "content-type"), "")


def with_content(request: Request, content: bytes) -> Request:
    """The request with another body, framed as its own is."""
    if request.chunked():
        content = (b"%x\r\n%s\r\n" % (len(content), content) if content else b"") + b"0\r\n\r\n"
    return replace(request, body=content)


def parts(request: Request) -> list[Part]:
    """The parts of a multipart form; none in any other body."""
    return [
        Part(head, content, b"filename=" in head.lower())
        for head, _, content in (piece.partition(b"\r\n\r\n") for piece in _pieces(request))
    ]


def _pieces(request: Request) -> list[bytes]:
    boundary = _boundary(request)
    if not boundary:
        return []
    pieces = (b"\r\n" + request.content()).split(b"\r\n--" + boundary)
    return [piece.removeprefix(b"\r\n") for piece in pieces[1:] if not piece.startswith(b"--")]


def _boundary(request: Request) -> bytes:
    found = BOUNDARY.search(_content_type(request))
    return found[1].encode("latin-1") if found and media_type(request).startswith(PARTS) else b""


def each_part(request: Request, change: Callable[[bytes], bytes]) -> Request:
    """The multipart request with the content of each part changed; its heads stay."""
    boundary = _boundary(request)
    rows = [
        b"--%s\r\n%s\r\n\r\n%s\r\n" % (boundary, part.head, change(part.content)) for part in parts(request)
    ]
    return with_content(request, b"".join(rows) + b"--%s--\r\n" % boundary)


def longer(request: Request, size: int) -> Request:
    """`size` bytes more in one more field, or in blanks behind a JSON document. Other bodies cannot be padded."""
    kind, content = media_type(request), request.content()
    if not size or not content:
        return request
    if kind.startswith(FORM):
        return with_content(request, content + b"&rehearsal_padding=" + b"p" * size)
    if kind.startswith(PARTS):
        row = b'Content-Disposition: form-data; name="rehearsal_padding"\r\n\r\n' + b"p" * size
        return with_content(request, b"--%s\r\n%s\r\n" % (_boundary(request), row) + content)
    return with_content(request, content + b" " * size) if JSON in kind else request


def fields(request: Request) -> int:
    """How many fields the query and an urlencoded form have together."""
    query = urlsplit(request.target).query.encode("latin-1")
    form = request.content() if media_type(request).startswith(FORM) else b""
    return sum(len([pair for pair in text.split(b"&") if pair]) for text in (query, form))


def depth(request: Request) -> int:
    """How deep a form's names, or a JSON document, are nested."""
    kind, content = media_type(request), request.content()
    if JSON in kind:
        return _json_depth(content)
    if not kind.startswith(FORM):
        content = urlsplit(request.target).query.encode("latin-1")
    return max((len(OPEN_KEY.findall(pair.partition(b"=")[0])) for pair in content.split(b"&")), default=0)


def _json_depth(text: bytes) -> int:
    deepest = level = 0
    for token in TOKEN.finditer(text):
        level += {b"[": 1, b"{": 1, b"]": -1, b"}": -1}.get(token[0], 0)
        deepest = max(deepest, level)
    return deepest


def counted_in(request: Request) -> tuple[WallKind, ...]:
    """What the reader of such a body may count besides its bytes, the narrowest first."""
    kind = media_type(request)
    if kind.startswith(PARTS):
        return ("files", "parts", "upload")
    return (*READ_AS_FORM, "form_bytes") if kind.startswith(FORM) else ("nesting",)


def count(kind: WallKind, request: Request) -> int:
    """The size of a request as a limit of that kind counts it."""
    counts: dict[WallKind, Callable[[], int]] = {
        "nesting": lambda: depth(request),
        "fields": lambda: fields(request),
        "parts": lambda: len(parts(request)),
        "files": lambda: sum(part.file for part in parts(request)),
        "upload": lambda: max((len(part.content) for part in parts(request)), default=0),
        "line": lambda: measure(request, "line"),
        "header": lambda: measure(request, "field"),
        "headers": lambda: measure(request, "headers"),
    }
    return counts.get(kind, lambda: measure(request, "body"))()
