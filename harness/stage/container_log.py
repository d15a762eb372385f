"""What an engine has of a container's output, read as it comes and never held as a whole.

The engine keeps the newest of its files and drops the older ones: from how full they are it is told whether that may
have happened. Then how much was written is not known, but how fast it went at last is.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import requests
import urllib3

from harness.model.stage import Logged
from harness.stage.container_options import LOG_FILES, LOG_SIZE
from harness.stage.engine import is_podman
from harness.stage.logs import HeadAndTail

CHUNK = 2**18
HEADER = struct.Struct(">B3xL")
LONGEST = 30.0
"""Seconds after which no more is read: a container of others may have written for months."""
EACH = 68
"""Bytes that the engine's file has around a line's text."""
DROPPED = b"[rehearse: this is the newest of it; the engine may have dropped what came before]\n"
NOT_READ_ON = b"\n[rehearse: there is more, and it was not read]\n"
TWO, SIX = b'"\\\n\r\t', b"<>&" + bytes(byte for byte in range(32) if byte not in b"\n\r\t")
"""Bytes that are written as two, and as six, in that file."""


def engine_log(container: Any, *, bounded: bool, since: int = 0) -> Logged:
    """The log of a container, from `since` (seconds since 1970) on; `bounded`: its engine was told to keep no more
    than we let it. Raises DockerException or OSError."""
    until, whole = time.monotonic() + LONGEST, False
    keeping, size = HeadAndTail(), 0
    with _asked(container, since=since) as reply:
        for text in _texts(_chunks(reply), tty=bool(container.attrs["Config"].get("Tty"))):
            keeping.take(text)
            size += _in_the_file(text)
            if until < time.monotonic() or (bounded and size > 2 * LOG_FILES * LOG_SIZE):
                break  # it is written faster than it is read
        else:
            whole = True
    if bounded and is_podman(container.client.api):  # it leaves no trace of what it has dropped
        return Logged(keeping.kept(), written=None, whole=False)
    if bounded and size >= (LOG_FILES - 1) * LOG_SIZE:
        rate = _rate(container, keeping.written)
        return Logged(DROPPED + keeping.kept(), keeping.written, whole=False, rate=rate)
    return keeping.logged() if whole else Logged(keeping.kept() + NOT_READ_ON, keeping.written, whole=False)


def _asked(container: Any, **how: Any) -> requests.Response:
    """The engine's answer, not yet read. The SDK's own way takes it all, or wakes up for every line."""
    api = container.client.api
    reply: requests.Response = api.get(
        f"{api.base_url}/v{api.api_version}/containers/{container.id}/logs",
        params={"stdout": 1, "stderr": 1, **how},
        stream=True,
        timeout=api.timeout,
    )
    if not reply.ok:
        reply.close()
        raise OSError(f"status {reply.status_code}")
    return reply


def _chunks(reply: requests.Response) -> Iterator[bytes]:
    """The answer in large parts; `iter_content` would give one for each line."""
    try:
        while chunk := reply.raw.read(CHUNK):
            yield chunk
    except urllib3.exceptions.HTTPError as problem:
        raise requests.ConnectionError(str(problem)) from problem


def _texts(chunks: Iterable[bytes], *, tty: bool) -> Iterator[bytes]:
    """The output in parts; without a terminal it comes in frames: one byte for the stream, four for the length."""
    if tty:
        yield from chunks
        return
    left = b""
    for chunk in chunks:
        left += chunk
        place, parts = 0, []
        while place + HEADER.size <= len(left):
            end = place + HEADER.size + HEADER.unpack_from(left, place)[1]
            if end > len(left):
                break
            parts.append(left[place + HEADER.size : end])
            place = end
        left = left[place:]
        yield b"".join(parts)


def _in_the_file(text: bytes) -> int:
    """How long the engine's file got by it."""
    twice, six = (len(text) - len(text.translate(None, those)) for those in (TWO, SIX))
    return len(text) + twice + 5 * six + EACH * text.count(b"\n")


def _rate(container: Any, written: int) -> float | None:
    """Bytes a second from the first to the last line that the engine still has."""
    times = []
    for how in ({}, {"tail": 1}):
        with _asked(container, timestamps=1, **how) as reply:
            first = next(reply.iter_content(HEADER.size + 64), b"")
        stamp = first[0 if first[:1].isdigit() else HEADER.size :].partition(b" ")[0].decode(errors="replace")
        try:
            times.append(datetime.fromisoformat(stamp[:26].rstrip("Z") + "+00:00").timestamp())
        except ValueError:
            return None
    seconds = times[1] - times[0]
    return written / seconds if seconds > 0 else None
