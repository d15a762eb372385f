"""Cuts one direction of a connection into HTTP/1 messages, as far as it can be read.

It only looks on: it never raises, keeps at most 64 KiB of a body, and where it no longer understands what it sees it
says `lost` and from then on counts bytes.
"""

from __future__ import annotations

import hashlib
import re
from collections import deque
from collections.abc import Callable
from time import monotonic

KEEP = 64 * 1024
HEAD_AT_MOST = 8 * 2**20
LINE_AT_MOST = 64 * 1024
BODILESS = (204, 304)
_FIELD = re.compile(
    rb"\n(content-length|transfer-encoding|expect|idempotency-key)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE
)
_BLANK = re.compile(rb"\r?\n\r?\n")  # many servers take bare line feeds


class Message:
    """One request or answer: what its head says, the first 64 KiB of its body as it came (chunks and all), length and
    sha256 of all its bytes, and when its first and last byte were seen.

    method, target   of a request
    status           of an answer; 0 where there is none
    """

    __slots__ = ("began", "body", "digest", "ended", "fields", "head", "length", "method", "status", "target")

    def __init__(self) -> None:
        self.head = self.body = b""
        self.length, self.began = 0, monotonic()
        self.ended: float | None = None
        self.digest = hashlib.sha256()
        self.method = self.target = ""
        self.status = 0
        self.fields: dict[bytes, bytes] = {}

    def take(self, data: bytes) -> None:
        """Counts bytes that belong to it."""
        self.length += len(data)
        self.digest.update(data)

    def header(self, name: bytes) -> str:
        """One of the headers that are looked for, or an empty string."""
        return self.fields.get(name, b"").decode("latin-1")

    def read_request(self, head: bytes) -> None:
        """What a request's head says. Raises ValueError where it is none."""
        self._read(head)
        first, _, rest = self._first.decode("latin-1").partition(" ")
        self.method = first
        self.target, _, version = rest.rpartition(" ")
        if not first.isupper() or not version.startswith("HTTP/") or first == "CONNECT":
            raise ValueError("no request line")

    def read_answer(self, head: bytes) -> None:
        """What an answer's head says. Raises ValueError where it is none, or where HTTP ends behind it."""
        self._read(head)
        words = self._first.split(b" ", 2)
        if not words[0].startswith(b"HTTP/1.") or len(words) < 2 or words[1] == b"101":
            raise ValueError("no status line")
        self.status = int(words[1])

    @property
    def _first(self) -> bytes:
        return self.head[: self.head.index(b"\n")].rstrip(b"\r")

    def _read(self, head: bytes) -> None:
        self.head = head
        for name, value in _FIELD.findall(head):
            name = name.lower()
            if name in self.fields and name == b"content-length":
                raise ValueError("two lengths")
            self.fields[name] = value


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
                self.now = Message()
            message = self.now
            data = self._state(data, message)
            if message.ended is not None:
                self.now = None
                if not 100 <= message.status < 200:
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
        whole = bytes(self._buffer) + data if known else data
        blank = _BLANK.search(whole, max(0, known - 3))
        if blank is None:
            message.take(data)
            self._buffer += data
            self.lost = len(self._buffer) > HEAD_AT_MOST
            return b""
        end = blank.end()
        self._buffer.clear()
        message.take(data[: end - known])
        try:
            self._frame(message, whole[:end])
        except ValueError:
            self._buffer += whole[:end]
            self.lost = True
            return b""
        return data[end - known :]

    def _frame(self, message: Message, head: bytes) -> None:
        """Decides by the head how the body ends. Raises ValueError where that is ambiguous."""
        if self._methods is None:
            message.read_request(head)
        else:
            message.read_answer(head)
        length, coding = (
            message.header(b"content-length"),
            message.header(b"transfer-encoding").strip().lower(),
        )
        if self._bodiless(message, framed=bool(length or coding)):
            self._end(message)
        elif coding:
            if length or coding != "chunked":
                raise ValueError("the end of the body is ambiguous")
            self._state = self._size
        elif not length:
            self._state = self._until_close
        else:
            self._left, self._state = int(length), self._counted
            if self._left <= 0:
                self._end(message)

    def _bodiless(self, message: Message, *, framed: bool) -> bool:
        """Whether the head is all of it."""
        if self._methods is None:
            return not framed
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
