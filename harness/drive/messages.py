"""What a trigger client sends and what comes back: Request and Response, for the record and for the scenario."""

from __future__ import annotations

import json as json_codec
from dataclasses import dataclass, field
from typing import Any

from harness.drive.wire import Answer
from harness.errors import HarnessError, UsageError
from harness.model.exchange import Exchange, Sizes


@dataclass(frozen=True)
class Request:
    """An HTTP/1.1 request as it goes on the wire; `fields` counts its query and form fields."""

    service: str
    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    fields: int

    @property
    def line(self) -> bytes:
        """The request line, without CRLF."""
        return f"{self.method} {self.target} HTTP/1.1".encode("latin-1")

    @property
    def head(self) -> bytes:
        """Request line, headers and the blank line."""
        rows = "".join(f"{name}: {value}\r\n" for name, value in self.headers)
        return self.line + b"\r\n" + rows.encode("latin-1") + b"\r\n"

    @property
    def wire(self) -> bytes:
        """What goes out on the wire."""
        return self.head + self.body

    @property
    def sizes(self) -> Sizes:
        """The request's sizes in bytes."""
        target = len(self.target.encode("latin-1"))
        return Sizes(len(self.line), target, len(self.head), len(self.body), self.fields)


@dataclass(frozen=True)
class Response:
    """An answer: the exchange for the record, and the body's first 4 MiB for the scenario's author.

    `text` and `json()` fail loudly where the answer was longer than what is kept; ask with `whole=True` then.
    `wire` is what the socket saw, with our port and the time; None where nothing was sent.
    """

    exchange: Exchange
    content: bytes
    wire: Answer | None = field(default=None, repr=False, compare=False)

    @property
    def answer(self) -> Answer:
        """What came back over the wire, or what the exchange tells of it."""
        seen, body = self.exchange, self.content
        return self.wire or Answer(
            seen.status, seen.reason, seen.headers, body, len(body), fate=seen.fate, error=seen.error
        )

    @property
    def status(self) -> int | None:
        """The status, or None where no status line came back."""
        return self.exchange.status

    @property
    def exit_code(self) -> int | None:
        """Of a command: how it ended; None where that was not seen."""
        return self.exchange.exit_code

    @property
    def text(self) -> str:
        """The body, or what a command wrote, as UTF-8 text, undecodable bytes replaced."""
        self._must_be_whole()
        return self.content.decode(errors="replace")

    def json(self) -> Any:
        """The body read as JSON. Raises UsageError that shows what came instead."""
        self._must_be_whole()
        try:
            return json_codec.loads(self.content)
        except ValueError as problem:
            raise UnexpectedAnswer(self.exchange, f"no JSON ({problem})") from problem

    def expect(self, *statuses: int) -> Response:
        """This answer, if its status is one of these (any 2xx where none is given). Of a command: if its exit code is
        (0 where none is given). Raises UnexpectedAnswer."""
        if self.exchange.via == "command":
            if self.exit_code in (statuses or (0,)):
                return self
            raise UnexpectedAnswer(self.exchange, f"exit code {self.exit_code}")
        status = self.status or 0
        if (status in statuses) if statuses else 200 <= status < 300:
            return self
        raise UnexpectedAnswer(self.exchange, f"status {self.status or 'none'}")

    def _must_be_whole(self) -> None:
        if self.exchange.body_length > len(self.content):
            raise UsageError(
                f"the answer to {self.exchange.method} {self.exchange.path} has {self.exchange.body_length} bytes,"
                f" of which {len(self.content)} were kept",
                expected="an answer that is kept whole",
                fix="pass whole=True to this request",
            )


class UnexpectedAnswer(HarnessError):
    """A request that a scenario needs (a login, a read-back) was answered otherwise than it needs."""

    exit_code = 2

    def __init__(self, exchange: Exchange, seen: str) -> None:
        said = exchange.body.strip()[:200] or exchange.error or "nothing"
        super().__init__(
            f"{exchange.service}: {exchange.method} {exchange.path} was answered with {seen}: {said}",
            expected="the answer that the scenario relies on",
            fix="see the service's log in the run's folder",
        )
        self.exchange = exchange


def exchange_of(request: Request, answer: Answer) -> Exchange:
    """What the record keeps of them."""
    return Exchange(
        service=request.service,
        method=request.method,
        path=request.target.partition("?")[0],
        sizes=request.sizes,
        status=answer.status,
        reason=answer.reason,
        headers=answer.headers,
        body=answer.body[:4096].decode(errors="replace"),
        body_length=answer.body_length,
        sha256=answer.sha256,
        fate=answer.fate,
        error=answer.error,
        seconds=round(answer.seconds, 4),
    )
