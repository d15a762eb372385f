"""Cuts one direction of a connection into HTTP/1 messages, as far as it can be read.

It only looks on: it never raises, keeps at most 64 KiB of a body, and where it no longer understands what it sees it
says `lost` and from then on counts bytes.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

KEEP = 64 * 1024
HEAD_AT_MOST = 8 * 2**20
LINE_AT_MOST = 64 * 1024
BODILESS = (204, 304)


@dataclass
class Message:
    """One request or answer: its head, the first 64 KiB of its body as it came (chunks and all), length and sha256 of
    all its bytes, and when its first and last byte were seen."""

    head: bytes = b""
    body: bytearray = field(default_factory=bytearray)
    length: int = 0
    digest: Any = field(default_factory=hashlib.sha256)
    began: float = 0.0
    ended: float | None = None
    chunked: bool = False

    @property
    def words(self) -> list[str]:
        """The three words of its first line."""
        line = self.head.partition(b"\r\n")[0].decode("latin-1")
        return [*line.split(" ", 2), "", "", ""][:3]

    @property
    def method(self) -> str:
        """A request's method."""
        return self.words[0]

    @property
    def target(self) -> str:
        """A request's target as it was sent."""
        return self.head.partition(b"\r\n")[0].decode("latin-1").partition(" ")[2].rpartition(" ")[0]

    @property
    def status(self) -> int:
        """An answer's status; 0 where there is none."""
        return int(self.words[1]) if self.words[1].isdigit() else 0

    def header(self, name: str) -> str:
        """The first header of that name, or an empty string."""
        wanted = name.lower().encode()
        for line in self.head.split(b"\r\n")[1:]:
            given, _, value = line.partition(b":")
            if given.strip().lower() == wanted:
                return value.strip().decode("latin-1")
        return ""

    def take(self, data: bytes) -> None:
        """Counts bytes that belong to it."""
        self.length += len(data)
        self.digest.update(data)


State = Callable[[bytes, Message], bytes]


class Messages:
    """Feed it what passes; it returns the messages that have begun and ended by it, in order.

    methods   for answers: the methods of the requests still to be answered (an answer to HEAD has no body)
    """

    def __init__(self, methods: deque[str] | None = None) -> None:
        self._methods = methods
        self._buffer = bytearray()
        self._left = 0
        self._state: State = self._head
        self.now: Message | None = None
        self.lost = False
        self.seen = 0

    def feed(self, data: bytes) -> list[Message]:
        """The messages that ended with these bytes. `now` is the one that has begun and not ended."""
        self.seen += len(data)
        ended: list[Message] = []
        while data and not self.lost:
            if self.now is None:
                self.now = Message(began=monotonic())
            message = self.now
            data = self._state(data, message)
            if message.ended is not None:
                self.now = None
                if not (self._methods is not None and 100 <= message.status < 200 and message.status != 101):
                    ended.append(message)
        return ended

    def end(self) -> list[Message]:
        """The stream has ended: a message without a declared length ends here."""
        if self.now is not None and self._state == self._until_close:
            self.now.ended = monotonic()
            done, self.now = self.now, None
            return [done]
        return []

    @property
    def raw(self) -> bytes:
        """What was not understood: the first 64 KiB of it."""
        kept = bytes(self._buffer) or (self.now.head if self.now else b"")
        return kept[:KEEP]

    def _head(self, data: bytes, message: Message) -> bytes:
        known = len(self._buffer)
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n", max(0, known - 3))
        if end < 0:
            message.take(data)
            self.lost = len(self._buffer) > HEAD_AT_MOST
            return b""
        message.head = bytes(self._buffer[: end + 4])
        used = end + 4 - known
        message.take(data[:used])
        try:
            self._frame(message)
        except ValueError:
            self.lost = True
            return b""
        self._buffer.clear()
        return data[used:]

    def _frame(self, message: Message) -> None:
        """Decides by the head how the body ends. Raises ValueError where that is ambiguous."""
        length, coding = message.header("content-length"), message.header("transfer-encoding").lower()
        if message.words[0] == "CONNECT" or message.status == 101:
            raise ValueError("from here on it is no HTTP")
        if self._bodiless(message, framed=bool(length or coding)):
            self._end(message)
        elif coding:
            if length or coding != "chunked":
                raise ValueError("the end of the body is ambiguous")
            message.chunked, self._state = True, self._size
        elif not length:
            self._state = self._until_close
        else:
            self._left, self._state = int(length), self._counted
            if self._left <= 0:
                self._end(message)

    def _bodiless(self, message: Message, *, framed: bool) -> bool:
        """Whether the head is all of it. Raises ValueError where this is no HTTP."""
        first = message.words
        if self._methods is None:
            if not first[0].isupper() or not first[2]:
                raise ValueError("no request line")
            return not framed
        if not first[0].startswith("HTTP/1."):
            raise ValueError("no status line")
        if 100 <= message.status < 200:
            return True
        method = self._methods.popleft() if self._methods else ""
        return message.status in BODILESS or method == "HEAD"

    def _end(self, message: Message) -> None:
        message.ended = monotonic()
        self._state = self._head
        self._buffer.clear()

    def _body(self, data: bytes, message: Message) -> None:
        message.take(data)
        if len(message.body) < KEEP:
            message.body += data[: KEEP - len(message.body)]

    def _counted(self, data: bytes, message: Message) -> bytes:
        mine = data[: self._left]
        self._body(mine, message)
        self._left -= len(mine)
        if not self._left:
            self._end(message)
        return data[len(mine) :]

    def _until_close(self, data: bytes, message: Message) -> bytes:
        self._body(data, message)
        return b""

    def _line(self, data: bytes, message: Message) -> tuple[bytes, bytes | None]:
        """What is left of the data, and the line once it is whole."""
        end = data.find(b"\n")
        mine = data if end < 0 else data[: end + 1]
        self._body(mine, message)
        self._buffer += mine
        if end < 0:
            self.lost = len(self._buffer) > LINE_AT_MOST
            return b"", None
        line = bytes(self._buffer)
        self._buffer.clear()
        return data[end + 1 :], line

    def _size(self, data: bytes, message: Message) -> bytes:
        data, line = self._line(data, message)
        if line is None:
            return data
        try:
            size = int(line.partition(b";")[0].strip(), 16)
        except ValueError:
            self.lost = True
            return b""
        self._left, self._state = size + 2, self._chunk
        if size == 0:
            self._state = self._trailer
        return data

    def _chunk(self, data: bytes, message: Message) -> bytes:
        mine = data[: self._left]
        self._body(mine, message)
        self._left -= len(mine)
        if not self._left:
            self._state = self._size
        return data[len(mine) :]

    def _trailer(self, data: bytes, message: Message) -> bytes:
        data, line = self._line(data, message)
        if line is not None and not line.strip():
            self._end(message)
        return data
