"""Reads an answer as it arrives, bounded in memory: a gigabyte of body costs 64 KiB, a hash and a counter."""

from __future__ import annotations

import hashlib

import httptools

from harness.model.answer import Answer

KEEP = 64 * 1024
HEAD_AT_MOST = 1024 * 1024
BODY_AT_MOST = 256 * 1024 * 1024
TLS_RECORD = (b"\x15\x03", b"\x16\x03")


class Reader:
    """Fills an Answer from what arrives. The methods named on_* are called by the parser."""

    def __init__(self, answer: Answer, keep: int = KEEP, *, head_only: bool) -> None:
        self.answer, self.keep, self.head_only = answer, keep, head_only
        self.done = False
        self._parser = httptools.HttpResponseParser(self)
        self._framed = self._status_line = self._head_read = False
        self._head_bytes = 0
        self._digest = hashlib.sha256()

    def feed(self, data: bytes) -> None:
        """The next bytes from the socket."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.answer.status, self.done = self._parser.get_status_code(), True
        except httptools.HttpParserError as problem:
            self._garbage(str(problem), data)
        if not self._head_read:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_AT_MOST:
                self._garbage("the head of the answer is over 1 MiB", data)
        if self.answer.body_length > BODY_AT_MOST and not self.done:
            self.done, self.answer.fate = True, "closed"
            self.answer.error = f"the answer is over {BODY_AT_MOST // 2**20} MiB and was not read to its end"

    def end_of_stream(self) -> None:
        """The other side has closed. Without a declared length that is how an answer ends."""
        answer = self.answer
        if answer.status is None and self._status_line:  # a bare status line with nothing after it
            answer.status = self._parser.get_status_code() or None
        answer.fate, self.done = "closed", True
        answer.complete = answer.status is not None and not self._framed
        if not answer.complete:
            answer.error = "closed without an answer" if answer.status is None else "closed inside the answer"

    def seal(self) -> None:
        """No more will come."""
        self.answer.sha256 = self._digest.hexdigest()

    def _garbage(self, problem: str, data: bytes) -> None:
        answer = self.answer
        if not answer.complete and not self.done:
            tls = " (this looks like TLS)" if data[:2] in TLS_RECORD else ""
            answer.fate, answer.error = "garbage", f"no HTTP came back{tls}: {problem}: {data[:40]!r}"
        self.done = True

    def on_message_begin(self) -> None:
        """A new status line starts; what an interim answer (1xx) said is forgotten."""
        self.answer.reason, self.answer.headers = "", []
        self._framed = self._head_read = False

    def on_status(self, reason: bytes) -> None:
        """A piece of the reason phrase."""
        self._status_line = True
        self.answer.reason += reason.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header, in the order sent."""
        self.answer.headers.append((name.decode("latin-1"), value.decode("latin-1")))
        self._framed |= name.lower() in (b"content-length", b"transfer-encoding")

    def on_headers_complete(self) -> None:
        """The blank line: the status counts unless it is an interim one."""
        status = self._parser.get_status_code()
        if status < 200:
            self.answer.continued |= status == 100
            return
        self._head_read = True
        self.answer.status = status
        self.answer.fate = "kept" if self._parser.should_keep_alive() else "closed"
        if self.head_only:
            self.on_message_complete()

    def on_body(self, data: bytes) -> None:
        """A piece of the body."""
        answer = self.answer
        answer.body += data[: max(0, self.keep - len(answer.body))]
        answer.body_length += len(data)
        self._digest.update(data)

    def on_message_complete(self) -> None:
        """The end as the framing tells it."""
        if self.answer.status is not None:
            self.done = self.answer.complete = True
