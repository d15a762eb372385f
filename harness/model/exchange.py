"""What was sent over HTTP and what came back, in bytes."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Fate = Literal["kept", "closed", "reset", "timeout", "refused", "garbage"]


class Sizes(Struct, frozen=True):
    """A request's sizes. `line` is the request line without CRLF, `target` its second word, `head` all up to
    and with the blank line, `body` what follows (bytes); `fields` counts query and form fields."""

    line: int
    target: int
    head: int
    body: int
    fields: int


class Exchange(Struct, frozen=True, kw_only=True):
    """One request and its answer.

    status    the status line's number; None where no status line came back
    body      the head of the answer's body, at most 64 KiB; `body_length` and `sha256` tell of the whole
    fate      what became of the connection: kept open, closed, reset, timeout, refused (no connection), or
              garbage (the answer was no HTTP)
    error     what the socket said, where it said something
    seconds   from the first byte sent to the last one read
    """

    service: str
    method: str
    path: str
    sizes: Sizes
    status: int | None
    reason: str = ""
    headers: list[tuple[str, str]] = []
    body: str = ""
    body_length: int = 0
    sha256: str = ""
    fate: Fate = "kept"
    error: str = ""
    seconds: float = 0.0

    def header(self, name: str) -> str:
        """The first header of that name, or an empty string."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), "")
