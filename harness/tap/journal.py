"""The journal of exchanges: JSON lines in a file, flushed twice a second, read by offset.

n, t, seconds     number, start (seconds since the tap began), length
method, target    of the request; the target's first 2 KiB, and `target_bytes`
items, key        the users it is about, as far as their ids stand in it, and its Idempotency-Key
upstream          the status the downstream answered with; null: it did not answer, or was not asked
status            the status the batch was given; null: it got no whole answer
request, answer   bytes and sha256 of each
said              the first 512 bytes of an answer that is an error
fault             the fault that was played on it, or ""
fate              answered, cut, open (not over when the connection ended), raw (no HTTP: `raw` has its first bytes)
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import unquote_plus

from .messages import Message

FLUSH = 0.5
SAID = 512
TARGET = 2048
ITEMS_AT_MOST = 10_000
FILE_AT_MOST = 100 * 2**20
_TOKEN = re.compile(rb"[\w.@:~+-]+")
_ENCODE = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
_WORD = re.compile(rb"\w+")


class Journal:
    """Appends exchanges to `path`; `items` are the ids to be recognised."""

    def __init__(self, path: Path) -> None:
        self.path, self.began = path, monotonic()
        self.items: set[bytes] = set()
        self.count = self.left_out = 0
        self._file = path.open("wb")
        self._waiting: list[str] = []
        self._size = 0

    def write(self, **facts: Any) -> None:
        """One line. What is beyond 100 MiB is counted and left out."""
        self.count += 1
        if self._size > FILE_AT_MOST:
            self.left_out += 1
            return
        facts["n"] = self.count
        line = _ENCODE(facts)
        self._size += len(line) + 1
        self._waiting.append(line)

    def flush(self) -> None:
        """Everything so far is in the file."""
        if self._waiting:
            self._file.write("\n".join([*self._waiting, ""]).encode())
            self._waiting.clear()
            self._file.flush()

    def since(self, offset: int, most: int = 4 * 2**20) -> tuple[str, int]:
        """Whole lines from `offset` on, at most so many bytes, and the offset behind them."""
        self.flush()
        with self.path.open("rb") as file:
            file.seek(offset)
            text = file.read(most)
        text = text[: text.rfind(b"\n") + 1]
        return text.decode(), offset + len(text)

    def about(self, request: Message) -> list[str]:
        """The items whose ids stand in the request's target or in the first 64 KiB of its body."""
        if not self.items:
            return []
        target = request.target
        if "%" in target or "+" in target:
            target = unquote_plus(target)
        text = target.encode() + b" " + request.body
        if b"%" in request.body:
            text += b" " + unquote_plus(request.body.decode("latin-1")).encode("latin-1", "replace")
        found: dict[bytes, None] = {}
        for token in _TOKEN.findall(text):
            for part in (token,) if token in self.items else _WORD.findall(token):
                if part in self.items:
                    found[part] = None
        return [item.decode() for item in list(found)[:ITEMS_AT_MOST]]


def facts_of(message: Message | None) -> dict[str, Any]:
    """Bytes and sha256 of a message; nothing where there is none."""
    if message is None:
        return {"bytes": 0, "sha256": ""}
    return {"bytes": message.length, "sha256": message.digest.hexdigest()}
