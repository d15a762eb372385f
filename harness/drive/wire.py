"""One HTTP/1.1 request on a socket of its own, byte for byte as it was built.

Subtleness ahead: a server may refuse before it has read the whole request. Its answer is then already in our
receive buffer when our next write fails, and a client that gives up at the failed write loses the status. So
the answer is read before every write, and once more after a failed one.

    connect ── (TLS) ── head ──┬── no Expect ───────────────── body ── answer
                               └── Expect: 100-continue ── wait ─┬─ 100 or silence ── body ── answer
                                                                 ├─ final status ── answer (body never sent)
                                                                 └─ no body was given: stop, the layer streams
"""

from __future__ import annotations

import contextlib
import re
import select
import socket
import ssl
import time
from typing import Any

from harness.drive.reading import KEEP, Reader
from harness.drive.tls import Tls
from harness.model.answer import Answer

__all__ = ["Answer", "ask"]

READ = 256 * 1024
WRITE = 256 * 1024
SILENCE = 1.0
"""Seconds to wait for 100 Continue before the body is sent all the same (or, with no body, before we stop)."""
GAP = 0.001
"""Seconds between two segments of a head, so that the reader sees them apart."""
LAST_GAP = 0.01
"""Seconds before a head's last segment: a limit that depends on arrival is exact only if it is read alone."""
AFTER_100 = 0.25
"""Seconds in which a refusal may still follow a 100 Continue, where no body will be sent."""
DECLARED = re.compile(rb"\r\ncontent-length: *[1-9]")
PLAIN = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNEXPECTED_EOF_WHILE_READING", "RECORD_LAYER_FAILURE")
"""What OpenSSL says where the other side speaks something else."""
DOUBT = " (does it speak TLS there?)"
TRY_AGAIN = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


def ask(
    address: tuple[str, int],
    request: bytes,
    *,
    timeout: float = 30.0,
    segment: int = 0,
    keep: int = KEEP,
    tls: Tls | None = None,
) -> Answer:
    """Send `request` to `address` (host, port) and read the answer.

    segment   0: hand the whole request to the kernel at once; n: in writes of n bytes, each its own packet
    timeout   seconds for the whole exchange
    keep      how much of the answer's body is kept (bytes)
    tls       speak TLS so; a bad certificate is as good as no connection
    A head with ``Expect: 100-continue`` is sent alone, the body when the other side (or its silence) says so;
    a head that declares a body which is not there ends with the 100 or with silence, and no body is ever needed.
    Never raises for what the other side does: see `fate` and `error`.
    """
    started, answer = time.monotonic(), Answer(at=time.time())
    try:
        connection = _connect(address, tls, timeout, answer)
    except (OSError, ssl.SSLError) as problem:
        answer.fate, answer.error = "refused", _said(problem)
        answer.seconds = time.monotonic() - started
        return answer
    with connection:
        reader = Reader(answer, keep, head_only=request.startswith(b"HEAD "))
        talk = _Talk(connection, request, segment, reader)
        try:
            talk.run(started + timeout)
        except TimeoutError:
            answer.fate, answer.error = "timeout", f"no complete answer within {timeout:g} s"
        except (ConnectionError, ssl.SSLError) as problem:
            talk.drain()
            answer.fate, answer.error = ("closed" if answer.complete else "reset"), _said(problem)
        reader.seal()
    answer.seconds = time.monotonic() - started
    return answer


def _said(problem: OSError) -> str:
    if isinstance(problem, ssl.SSLError):
        said = getattr(problem, "verify_message", "") or problem.reason or str(problem)
        return f"TLS error: {said}{DOUBT if said in PLAIN else ''}"
    if isinstance(problem, TimeoutError) and "handshake" in str(problem):
        return f"TLS error: no handshake in time{DOUBT}"
    return str(problem) or type(problem).__name__


def _connect(address: tuple[str, int], tls: Tls | None, timeout: float, answer: Answer) -> Any:
    """A connected, non-blocking socket; TLS is a socket with the same methods."""
    connection = socket.create_connection(address, timeout=timeout)
    try:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        answer.port = connection.getsockname()[1]
        if tls is not None:
            connection = tls.context.wrap_socket(connection, server_hostname=tls.name)
        connection.setblocking(False)
    except (OSError, ssl.SSLError):
        connection.close()
        raise
    return connection


class _Talk:
    """One conversation: what is left to send, and when it may be sent."""

    def __init__(self, connection: Any, request: bytes, segment: int, reader: Reader) -> None:
        self.connection, self.segment, self.reader = connection, segment, reader
        head_end = request.find(b"\r\n\r\n") + 4
        head = request[:head_end].lower()
        declares = DECLARED.search(head) is not None and len(request) == head_end
        expects = declares or b"\r\nexpect: 100-continue\r\n" in head
        self.left = memoryview(request)
        self.head_end = head_end if head_end > 3 else len(request)
        self.held = self.head_end if expects else None
        """Where sending stops until 100 Continue, silence or a final status; None: nothing is held back."""
        self.has_body = len(request) > self.head_end

    def run(self, deadline: float) -> None:
        """Until the answer is read, the other side hangs up, or the deadline (TimeoutError)."""
        quiet_until = None
        while not self.reader.done:
            now = time.monotonic()
            if now >= deadline:
                raise TimeoutError
            if self._read() or self._release() or self._write():
                continue
            wait = deadline - now
            if self.held == self.reader.answer.sent:
                quiet_until = quiet_until or now + (AFTER_100 if self.reader.answer.continued else SILENCE)
                if now >= quiet_until:
                    self._let_go()
                    continue
                wait = min(wait, quiet_until - now)
            want_write = [self.connection] if self._may_send() else []
            select.select([self.connection], want_write, [], wait)

    def drain(self) -> None:
        """After a failed write: take what had arrived before the reset. Its end is no end of the answer."""
        with contextlib.suppress(OSError):
            while not self.reader.done and (chunk := self.connection.recv(READ)):
                self.reader.feed(chunk)

    def _read(self) -> bool:
        try:
            chunk = self.connection.recv(READ)
        except TRY_AGAIN:
            return False
        if chunk:
            self.reader.feed(chunk)
        else:
            self.reader.end_of_stream()
        return True

    def _release(self) -> bool:
        """100 Continue has come: send the body."""
        if self.held is None or not self.has_body or not self.reader.answer.continued:
            return False
        self._let_go()
        return True

    def _let_go(self) -> None:
        self.held = None
        if not self.has_body:
            self.reader.done = True

    def _may_send(self) -> int:
        end = len(self.left) if self.held is None else self.held - self.reader.answer.sent
        return min(end, len(self.left))

    def _write(self) -> bool:
        ready = self._may_send()
        if ready <= 0:
            return False
        answer = self.reader.answer
        size = min(ready, self.segment or max(WRITE, self.head_end))
        try:
            sent = self.connection.send(self.left[:size])
        except TRY_AGAIN:
            return False
        answer.sent += sent
        self.left = self.left[sent:]
        if self.segment and answer.sent < self.head_end:
            time.sleep(GAP if self.head_end - answer.sent > self.segment else LAST_GAP)
        return True
