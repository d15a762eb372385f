"""How much of a service's output is kept: the first 1 MiB and the last 4 MiB."""

from __future__ import annotations

from pathlib import Path

HEAD, TAIL = 2**20, 4 * 2**20


def head_and_tail(path: Path) -> bytes:
    """The kept part of a log file; a line tells how many bytes were left out."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            if size <= HEAD + TAIL:
                return file.read(size)
            head = file.read(HEAD)
            file.seek(size - TAIL)
            return head + left_out(size - HEAD - TAIL) + file.read(TAIL)
    except FileNotFoundError:
        return b""


def left_out(count: int) -> bytes:
    """The line that stands where bytes were left out."""
    return f"\n[rehearse: {count} bytes left out here]\n".encode()
