"""A tap before a small downstream on loopback, for tests."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.tap.remote import Remote
from tests.conftest import ROOT

Handle = Callable[[socket.socket], None]


@contextmanager
def downstream(handle: Handle) -> Iterator[tuple[str, int]]:
    """A server that hands each connection to `handle`, in a thread of its own."""
    server = socket.create_server(("127.0.0.1", 0), backlog=128)

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=_handled, args=(handle, connection), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield server.getsockname()
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()


def _handled(handle: Handle, connection: socket.socket) -> None:
    with connection:
        try:
            handle(connection)
        except OSError:
            return


@contextmanager
def tap(upstream: tuple[str, int], journal: Path) -> Iterator[tuple[tuple[str, int], Remote, int]]:
    """A tap before it: its address, the harness's end of it, and its pid."""
    words = ["127.0.0.1", 0, *upstream, "127.0.0.1", 0, journal]
    process = subprocess.Popen(
        [sys.executable, "-S", "-m", "tap", *map(str, words)],
        cwd=ROOT / "harness",
        env={"TAP_WORD": "word", "PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    ready = json.loads(process.stdout.readline().removeprefix("ready "))
    remote = Remote("payouts", ("127.0.0.1", ready["control"]), "word")
    try:
        yield ("127.0.0.1", ready["port"]), remote, process.pid
    finally:
        remote.close()
        process.terminate()
        process.wait(10)


class Shop:
    """A downstream that books every POST, and answers JSON; a request ends with its Content-Length."""

    def __init__(self) -> None:
        self.booked: list[bytes] = []
        self.heads: list[bytes] = []

    def __call__(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as stream:
            while True:
                head = b""
                while (line := stream.readline()) not in (b"\r\n", b""):
                    head += line
                if not head:
                    return
                length = next(
                    (
                        int(row[15:])
                        for row in head.split(b"\r\n")
                        if row.lower().startswith(b"content-length")
                    ),
                    0,
                )
                body = stream.read(length)
                self.heads.append(head)
                if head.startswith(b"POST"):
                    self.booked.append(body)
                text = json.dumps({"booked": len(self.booked)}).encode()
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text))


def soon(what: Callable[[], bool], within: float = 10.0) -> bool:
    """Whether it becomes true."""
    limit = time.monotonic() + within
    while not what():
        if time.monotonic() > limit:
            return False
        time.sleep(0.02)
    return True
