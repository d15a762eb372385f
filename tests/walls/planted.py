"""A small real socket server with planted limits: what the finder must find, exactly."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from harness.drive.wire import ask
from harness.model.answer import Answer

REFUSALS = ("status", "bare", "reset", "close", "hang")


@dataclass
class Planted:
    """Limits in force: sizes that still pass. `arrival` is looked at when a read ends inside the head; `keeps` is
    how many of a form's fields are kept, the rest is dropped behind a 200 (`drops` bytes: all of them)."""

    line: int = 10**9
    target: int = 10**9
    field: int = 10**9
    head: int = 10**9
    headers: int = 10**9
    body: int = 10**9
    arrival: int = 10**9
    fields: int = 10**9
    keeps: int = 10**9
    drops: int = 10**9
    how: str = "status"
    status: int = 414
    page: str = "<html>too much</html>"

    def broken(self, head: bytes) -> bool:
        line, *rows = head.decode("latin-1").split("\r\n")[:-2]
        length = next((int(row.split(":")[1]) for row in rows if row.lower().startswith("content-length")), 0)
        return (
            len(line) > self.line
            or len(line.split(" ")[1]) > self.target
            or max(map(len, rows)) > self.field
            or len(head) > self.head
            or len(rows) > self.headers
            or length > self.body
        )


class PlantedServer:
    """Serves until closed; one thread for each connection, all of them ended by `close`."""

    def __init__(self, planted: Planted) -> None:
        self.planted = planted
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.address: tuple[str, int] = self.listener.getsockname()
        self.asked = 0
        self.kept: list[str] = []
        """The ids of the last form that was taken."""
        self._over = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._over.set()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def ask(self, request: bytes, segment: int) -> Answer:
        return ask(
            self.address, request, timeout=0.3 if self.planted.how == "hang" else 20.0, segment=segment
        )

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.asked += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            data = b""
            while b"\r\n\r\n" not in data:
                chunk = connection.recv(65536)
                if not chunk:
                    return None
                data += chunk
                if b"\r\n\r\n" not in data and len(data) > self.planted.arrival:
                    return self._refuse(connection)
            head, _, rest = data.partition(b"\r\n\r\n")
            if self.planted.broken(head + b"\r\n\r\n"):
                return self._refuse(connection)
            if head.startswith(b"POST /run "):
                return self._take(connection, read_body(connection, head, rest))
            if b"100-continue" in head:
                connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                return None
            connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\nX-App: yes\r\n\r\nnone")
        return None

    def _take(self, connection: socket.socket, form: bytes) -> None:
        ids = [pair.partition("=")[2] for pair in form.decode().split("&") if pair.startswith("id=")]
        if len(ids) > self.planted.fields:
            return self._refuse(connection)
        self.kept = [] if len(form) > self.planted.drops else ids[: self.planted.keeps]
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone")
        return None

    def _refuse(self, connection: socket.socket) -> None:
        planted = self.planted
        if planted.how == "status":
            body = planted.page.encode()
            head = f"HTTP/1.1 {planted.status} No\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            connection.sendall(head.encode() + body)
        elif planted.how == "bare":
            connection.sendall(f"HTTP/1.1 {planted.status} No\r\n\r\n".encode())
        elif planted.how == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif planted.how == "hang":
            connection.settimeout(5)
            while connection.recv(65536):
                pass


def read_body(connection: socket.socket, head: bytes, body: bytes) -> bytes:
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    while len(body) < length and (chunk := connection.recv(65536)):
        body += chunk
    return body


@contextlib.contextmanager
def serving(planted: Planted) -> Iterator[PlantedServer]:
    server = PlantedServer(planted)
    try:
        yield server
    finally:
        server.close()
