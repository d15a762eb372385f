"""What was sent, or begun, and what came back: a request, a command, or messages to a queue."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

Fate = Literal["kept", "closed", "reset", "timeout", "refused", "garbage"]
Via = Literal["http", "command", "queue"]


def first(headers: Iterable[tuple[str, str]], name: str) -> str:
    """The first of the headers that has this name, in any case of letters, or an empty string."""
    wanted = name.lower()
    return next((value for key, value in headers if key.lower() == wanted), "")


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
    via       how: the fields above are those of a request. Of a command, `method` is RUN, `path` its first words,
              `body` what it wrote, `fields` its arguments; of messages, PUBLISH, the queue, what was said, how many
    exit_code  of a command; None where it has not ended, or its end was not seen
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
    via: Via = "http"
    exit_code: int | None = None

    @property
    def trouble(self) -> str:
        """Of a command or messages: why this was no good end; "" where it was one."""
        if self.error:
            return self.error
        return f"exit code {self.exit_code}" if self.exit_code else ""

    def header(self, name: str) -> str:
        """The first header of that name, or an empty string."""
        return first(self.headers, name)
