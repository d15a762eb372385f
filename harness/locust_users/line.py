"""One kept-alive HTTP/1.1 connection of a load user, on gevent's sockets.

It sends what it is given, once: nothing is sent a second time, whatever breaks; redirects are not followed. Costs
about half of what Locust's own client does, which leaves the CPU to the sending.
"""

from __future__ import annotations

import ssl
from socket import IPPROTO_TCP, MSG_DONTWAIT, MSG_PEEK, TCP_NODELAY
from urllib.parse import urlsplit

import gevent.socket
import gevent.ssl
import httptools

READ = 65_536
LOOK = int(MSG_PEEK | MSG_DONTWAIT)


class Broken(Exception):
    """The connection broke after something was sent: whether it was worked on is unknown."""


class NotReached(Exception):
    """No connection came about: nothing was sent."""


class Line:
    """A connection to `base` that is opened when it is needed."""

    def __init__(self, base: str, timeout: float) -> None:
        parts = urlsplit(base)
        self.secure = parts.scheme == "https"
        self.host, self.port = parts.hostname or "", parts.port or (443 if self.secure else 80)
        self.timeout = timeout
        self.socket: gevent.socket.socket | None = None
        self.status = self.length = 0
        self.whole = self.framed = self.kept = False

    def ask(self, wire: bytes, *, bodiless: bool = False) -> tuple[int, int]:
        """Sends these bytes and reads one answer: its status, and the length of its body. `bodiless`: the answer
        to a HEAD. Raises NotReached or Broken."""
        if self.socket is None or self._closed_meanwhile():
            self._open()
        assert self.socket is not None
        self.status = self.length = 0
        self.whole = self.framed = self.kept = False
        try:
            self.socket.sendall(wire)
            while not self.whole:
                self._read(bodiless)
        except (OSError, httptools.HttpParserError) as problem:
            self.close()
            raise Broken(f"{type(problem).__name__}: {problem}") from problem
        except BaseException:
            self.close()
            raise
        if not self.kept or bodiless:
            self.close()
        return self.status, self.length

    def close(self) -> None:
        """Hangs up."""
        if self.socket is not None:
            self.socket.close()
            self.socket = None

    def _read(self, bodiless: bool) -> None:
        assert self.socket is not None
        data = self.socket.recv(READ)
        if data:
            self.parser.feed_data(data)
            self.whole = self.whole or (bodiless and self.status >= 200)
        elif self.status >= 200 and not self.framed:
            self.whole = True  # a body that ends with the connection
        else:
            raise ConnectionError("closed before the answer was whole")

    def _open(self) -> None:
        self.close()
        try:
            self.socket = gevent.socket.create_connection((self.host, self.port), self.timeout)
            self.socket.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
            if self.secure:
                context = gevent.ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                context.load_default_certs()
                self.socket = context.wrap_socket(self.socket, server_hostname=self.host)
        except OSError as problem:
            self.close()
            raise NotReached(f"{type(problem).__name__}: {problem}") from problem
        self.parser = httptools.HttpResponseParser(self)

    def _closed_meanwhile(self) -> bool:
        """Whether the other side hung up while the connection was idle: then it is not used."""
        assert self.socket is not None
        if self.secure:
            return False
        try:
            self.socket._sock.recv(1, LOOK)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True

    # what the parser tells

    def on_header(self, name: bytes, value: bytes) -> None:
        """Whether the body's end can be known."""
        if name.lower() in (b"content-length", b"transfer-encoding"):
            self.framed = True

    def on_headers_complete(self) -> None:
        """The status is there."""
        self.status = self.parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        """A part of the body: it is counted, and not kept."""
        self.length += len(body)

    def on_message_complete(self) -> None:
        """The answer is whole, unless it was a word ahead (1xx)."""
        self.whole = self.status >= 200
        self.kept = self.parser.should_keep_alive()
