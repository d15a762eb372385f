"""How much of a service's output is kept: the first 1 MiB and the last 4 MiB."""

from __future__ import annotations

from pathlib import Path

from harness.model.stage import Logged

HEAD, TAIL = 2**20, 4 * 2**20


class HeadAndTail:
    """Keeps both ends of what goes by, in memory that does not grow with it."""

    def __init__(self) -> None:
        self.written = 0
        self._head, self._tail = bytearray(), bytearray()

    def take(self, chunk: bytes) -> None:
        """The next part."""
        self.written += len(chunk)
        room = HEAD - len(self._head)
        if room > 0:
            self._head += chunk[:room]
        self._tail += chunk[max(room, 0) :]
        if len(self._tail) > 2 * TAIL:  # not at each part: what is cut off moves all the rest
            del self._tail[:-TAIL]

    def kept(self) -> bytes:
        """Both ends; a line tells how many bytes were left out between them."""
        tail = self._tail[-TAIL:]
        middle = self.written - len(self._head) - len(tail)
        return bytes(self._head) + (left_out(middle) if middle else b"") + bytes(tail)

    def logged(self) -> Logged:
        """The same, with how much it was."""
        return Logged(kept=self.kept(), written=self.written)


def logged_in(path: Path, began: int = 0) -> Logged:
    """What a log file has from byte `began` on."""
    try:
        with path.open("rb") as file:
            size = path.stat().st_size - began
            file.seek(began)
            if size <= HEAD + TAIL:
                return Logged(kept=file.read(size), written=size)
            head = file.read(HEAD)
            file.seek(began + size - TAIL)
            return Logged(kept=head + left_out(size - HEAD - TAIL) + file.read(TAIL), written=size)
    except FileNotFoundError:
        return Logged(kept=b"", written=0)


def head_and_tail(path: Path) -> bytes:
    """The kept part of a log file; a line tells how many bytes were left out."""
    return logged_in(path).kept


def left_out(count: int) -> bytes:
    """The line that stands where bytes were left out."""
    return f"\n[rehearse: {count} bytes left out here]\n".encode()
