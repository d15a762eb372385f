"""A request as exact bytes, and its size in every unit that some server counts."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from msgspec import Struct

from harness.model.exchange import Sizes

Unit = Literal["line", "target", "query", "path", "head", "text", "htx", "field", "value", "headers", "body"]
Header = tuple[str, str]


class Request(Struct, frozen=True):
    """One HTTP/1.1 request. Nothing is added or changed on the way to bytes.

    target    the second word of the request line, already percent-encoded
    declared  a Content-Length that stands for a body which is not sent (bytes), or None
    """

    method: str
    target: str
    headers: tuple[Header, ...] = ()
    body: bytes = b""
    declared: int | None = None

    @classmethod
    def of(cls, wire: bytes) -> Request:
        """The request in these bytes; header lines keep their order and spelling."""
        head, _, body = wire.partition(b"\r\n\r\n")
        line, *rows = head.decode("latin-1").split("\r\n")
        method, target, _version = line.split(" ", 2)
        headers = tuple((name, value.strip()) for name, _, value in (row.partition(":") for row in rows))
        return cls(method, target, headers, body)

    def line(self) -> str:
        """The request line without CRLF."""
        return f"{self.method} {self.target} HTTP/1.1"

    def head(self) -> bytes:
        """Request line, headers and the blank line."""
        rows = [self.line(), *(f"{name}: {value}" for name, value in self.all_headers()), "", ""]
        return "\r\n".join(rows).encode("latin-1")

    def all_headers(self) -> tuple[Header, ...]:
        """The headers, with Content-Length where there is a body and no other framing."""
        length = len(self.body) if self.declared is None else self.declared
        framed = any(name.lower() in ("content-length", "transfer-encoding") for name, _ in self.headers)
        if framed or (not self.body and self.declared is None):
            return self.headers
        return (*self.headers, ("Content-Length", str(length)))

    def wire(self) -> bytes:
        """What goes out on the wire."""
        return self.head() + self.body

    def chunked(self) -> bool:
        """Whether its body is framed as chunks."""
        return any(
            name.lower() == "transfer-encoding" and "chunked" in value.lower() for name, value in self.headers
        )

    def content(self) -> bytes:
        """Its body without the framing of chunks."""
        if not self.chunked():
            return self.body
        found, at = [], 0
        while (end := self.body.find(b"\r\n", at)) > 0 and (size := int(self.body[at:end], 16)):
            found.append(self.body[end + 2 : end + 2 + size])
            at = end + size + 4
        return b"".join(found)

    def sizes(self) -> Sizes:
        """Its sizes as an exchange records them; `fields` counts the query's and an urlencoded body's."""
        query = urlsplit(self.target).query
        form = (
            self.body.decode("latin-1")
            if b"=" in self.body[:4096] and b"\r\n" not in self.body[:4096]
            else ""
        )
        fields = sum(len([pair for pair in text.split("&") if pair]) for text in (query, form))
        body = len(self.body) if self.declared is None else self.declared
        return Sizes(len(self.line()), len(self.target), len(self.head()), body, fields)


def measure(request: Request, unit: Unit) -> int:
    """The size of `request` in `unit`.

    line     request line without CRLF (nginx, Apache, gunicorn)
    target   its second word (aiohttp, httptools); query, path: its parts (Puma, IIS)
    head     request line, headers, blank line (lighttpd, Envoy, Tomcat, waitress)
    text     target, header names and values without separators (Node's llhttp)
    htx      what HAProxy keeps: method, target, version, names and values, and 8 bytes for each block
    field    the longest header line without CRLF (nginx, Apache, gunicorn); value: without the name (aiohttp)
    headers  how many headers; body: bytes declared or sent
    """
    headers = request.all_headers()
    texts = sum(len(name) + len(value) for name, value in headers)
    path, _, query = request.target.partition("?")
    line = len(request.line())
    sizes: dict[Unit, int] = {
        "line": line,
        "target": len(request.target),
        "query": len(query),
        "path": len(path),
        "head": line + 4 + texts + 4 * len(headers),
        "text": len(request.target) + texts,
        "htx": line - 2 + texts + 8 * (len(headers) + 2),
        "field": max((len(name) + 2 + len(value) for name, value in headers), default=0),
        "value": max((len(value) for _, value in headers), default=0),
        "headers": len(headers),
        "body": len(request.content()) if request.declared is None else request.declared,
    }
    return sizes[unit]
