"""One HTTP/1.1 request on a socket of its own, byte for byte as it was built.

Subtleness ahead: a server may refuse before it has read the whole request. Its answer is then already in our
receive buffer when our next write fails, and a client that gives up at the failed write loses the status. So
the answer is read while the request is being written, and once more after a failed write.
"""

from __future__ import annotations

import hashlib
import select
import socket
import time
from dataclasses import dataclass, field

import httptools

from harness.model.exchange import Fate

KEEP = 64 * 1024
READ = 256 * 1024


@dataclass(slots=True)
class Answer:
    """What came back: status None means that no status line was read; `body` holds the first 64 KiB."""

    status: int | None = None
    reason: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    body_length: int = 0
    sha256: str = ""
    fate: Fate = "kept"
    error: str = ""
    seconds: float = 0.0
    sent: int = 0
    complete: bool = False


def ask(
    address: tuple[str, int], request: bytes, *, timeout: float = 30.0, segment: int = 0, keep: int = KEEP
) -> Answer:
    """Send `request` to `address` (host, port) and read the answer.

    segment   0: hand the whole request to the kernel at once; n: in writes of n bytes, each its own packet
    timeout   seconds for the whole exchange
    keep      how many bytes of the answer's body are kept; the rest is counted and hashed
    Never raises for what the other side does: that is in `fate` and `error`.
    """
    started = time.monotonic()
    answer = Answer()
    try:
        connection = socket.create_connection(address, timeout=timeout)
    except OSError as problem:
        answer.fate, answer.error = "refused", str(problem)
        return answer
    with connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setblocking(False)
        reader = _Reader(answer, keep, head_only=request.startswith(b"HEAD "))
        try:
            _converse(connection, request, segment, answer, reader, started + timeout)
        except TimeoutError:
            answer.fate, answer.error = "timeout", f"no complete answer within {timeout:g} s"
        except ConnectionError as problem:
            reader.drain(connection)
            answer.fate, answer.error = ("closed" if answer.complete else "reset"), str(problem)
    answer.seconds = time.monotonic() - started
    return answer


def _converse(
    connection: socket.socket, request: bytes, segment: int, answer: Answer, reader: _Reader, deadline: float
) -> None:
    left = memoryview(request)
    while not reader.done:
        wait = deadline - time.monotonic()
        if wait <= 0:
            raise TimeoutError
        readable, writable, _ = select.select([connection], [connection] if left else [], [], wait)
        if readable:
            chunk = connection.recv(READ)
            if not chunk:
                reader.end_of_stream()
                return
            reader.feed(chunk)
        elif writable:
            sent = connection.send(left[:segment] if segment else left)
            answer.sent += sent
            left = left[sent:]


class _Reader:
    """Fills an Answer from what arrives. The methods named on_* are called by the parser."""

    def __init__(self, answer: Answer, keep: int, *, head_only: bool) -> None:
        self.answer, self.keep, self.head_only = answer, keep, head_only
        self.done = False
        self._parser = httptools.HttpResponseParser(self)
        self._framed = False
        self._digest = hashlib.sha256()

    def feed(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as problem:
            if not self.answer.complete:
                self.answer.fate, self.answer.error = "garbage", f"{problem}: {data[:40]!r}"
            self.done = True

    def end_of_stream(self) -> None:
        answer = self.answer
        answer.fate = "closed"
        answer.complete = answer.status is not None and not self._framed
        if not answer.complete:
            answer.error = "closed without an answer" if answer.status is None else "closed inside the answer"
        self._seal()

    def drain(self, connection: socket.socket) -> None:
        """After a failed write: take what had arrived before the reset."""
        while not self.done:
            try:
                chunk = connection.recv(READ)
            except OSError:
                return
            if not chunk:
                return
            self.feed(chunk)

    def on_message_begin(self) -> None:
        self.answer.reason, self.answer.headers = "", []

    def on_status(self, reason: bytes) -> None:
        self.answer.reason += reason.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        self.answer.headers.append((name.decode("latin-1"), value.decode("latin-1")))
        self._framed |= name.lower() in (b"content-length", b"transfer-encoding")

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:  # 100 Continue: the real answer follows
            return
        self.answer.status = status
        self.answer.fate = "kept" if self._parser.should_keep_alive() else "closed"
        if self.head_only:
            self.on_message_complete()

    def on_body(self, data: bytes) -> None:
        answer = self.answer
        answer.body += data[: max(0, self.keep - len(answer.body))]
        answer.body_length += len(data)
        self._digest.update(data)

    def on_message_complete(self) -> None:
        if self.answer.status is not None:
            self.done = self.answer.complete = True
            self._seal()

    def _seal(self) -> None:
        self.answer.sha256 = self._digest.hexdigest()
