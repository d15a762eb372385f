"""The wire client against servers that misbehave: every status is kept, and nothing makes it hang or swell."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator

import pytest

from harness.drive.tls import Tls
from harness.drive.wire import ask

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
Talk = Callable[[socket.socket], None]


@contextlib.contextmanager
def server(talk: Talk) -> Iterator[tuple[str, int]]:
    """One connection at a time, handled by `talk`; what it raises about sockets is the client's business."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                talk(connection)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listener.getsockname()
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def head(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        byte = connection.recv(1)
        if not byte:
            raise ConnectionError("the client has gone")
        data += byte
    return data


def saying(text: bytes, then: Talk | None = None) -> Talk:
    def talk(connection: socket.socket) -> None:
        head(connection)
        connection.sendall(text)
        if then:
            then(connection)

    return talk


def reset(connection: socket.socket) -> None:
    time.sleep(0.05)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_a_status_sent_before_the_body_has_ended_is_not_lost() -> None:
    early = b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig"
    request = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50000000\r\n\r\n" + b"a" * 50_000_000
    with server(saying(early)) as address:
        answer = ask(address, request, timeout=20)
    assert (answer.status, answer.body) == (413, b"big")
    assert answer.sent < len(request)


def test_a_status_before_a_reset_is_kept_and_the_reset_told() -> None:
    with server(saying(b"HTTP/1.1 431 Too Long\r\n\r\n", reset)) as address:
        answer = ask(address, GET, timeout=5)
    assert (answer.status, answer.fate) == (431, "reset")


def test_a_bare_status_line_is_a_status() -> None:
    with server(saying(b"HTTP/1.1 400 Bad Request\r\n")) as address:
        answer = ask(address, GET, timeout=5)
    assert answer.status == 400


def test_a_reset_without_a_status_is_a_class_of_its_own() -> None:
    with server(saying(b"", reset)) as address:
        answer = ask(address, GET, timeout=5)
    assert (answer.status, answer.fate) == (None, "reset")


def test_the_body_waits_for_100_continue_and_is_never_sent_after_a_refusal() -> None:
    got: list[bytes] = []

    def talk(connection: socket.socket) -> None:
        head(connection)
        connection.sendall(b"HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n")
        got.append(connection.recv(100))

    request = b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello"
    with server(talk) as address:
        answer = ask(address, request, timeout=5)
    assert answer.status == 417
    assert answer.sent == len(request) - 5


def test_after_100_continue_the_body_follows() -> None:
    def talk(connection: socket.socket) -> None:
        head(connection)
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = connection.recv(5)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + body)

    with server(talk) as address:
        answer = ask(
            address, b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello", timeout=5
        )
    assert (answer.status, answer.continued, answer.body) == (200, True, b"hello")


@pytest.mark.parametrize("said", [b"HTTP/1.1 100 Continue\r\n\r\n", b""])
def test_a_body_that_is_only_declared_ends_with_100_or_with_silence(said: bytes) -> None:
    request = b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9999999999\r\n\r\n"
    with server(saying(said, lambda c: c.recv(1) and None)) as address:
        answer = ask(address, request, timeout=20)
    assert (answer.status, answer.continued, answer.fate, answer.error) == (None, bool(said), "kept", "")


def test_segments_arrive_as_segments() -> None:
    reads: list[int] = []

    def talk(connection: socket.socket) -> None:
        total = 0
        while total < 7000:
            reads.append(len(connection.recv(65536)))
            total += reads[-1]
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    request = b"GET /" + b"a" * 6950 + b" HTTP/1.1\r\nHost: xxxxxxxxxxxxx\r\n\r\n"
    with server(talk) as address:
        ask(address, request.ljust(7000, b" "), timeout=5, segment=1400)
    assert max(reads) < 7000


def test_a_slow_drip_ends_at_the_deadline() -> None:
    def drip(connection: socket.socket) -> None:
        while True:
            connection.sendall(b"x")
            time.sleep(0.05)

    with server(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", drip)) as address:
        answer = ask(address, GET, timeout=0.6)
    assert (answer.status, answer.fate, answer.complete) == (200, "timeout", False)


def test_a_gigabyte_is_not_kept_in_memory_and_not_read_to_its_end() -> None:
    def pour(connection: socket.socket) -> None:
        block = b"x" * 2**20
        for _ in range(1024):
            connection.sendall(block)

    tracemalloc.start()
    with server(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n", pour)) as address:
        answer = ask(address, GET, timeout=60)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 * 2**20
    assert len(answer.body) == 64 * 1024
    assert not answer.complete
    assert "not read to its end" in answer.error


def test_a_head_without_end_is_garbage() -> None:
    def pour(connection: socket.socket) -> None:
        while True:
            connection.sendall(b"X-More: " + b"y" * 60_000 + b"\r\n")

    with server(saying(b"HTTP/1.1 200 OK\r\n", pour)) as address:
        answer = ask(address, GET, timeout=20)
    assert answer.fate == "garbage"
    assert "1 MiB" in answer.error


@pytest.mark.parametrize(
    "said", [b"SSH-2.0-OpenSSH_9\r\n", b"\x15\x03\x01\x00\x02\x02\x46", b"<html>hello</html>"]
)
def test_what_is_no_http_is_told_so(said: bytes) -> None:
    with server(saying(said)) as address:
        answer = ask(address, GET, timeout=5)
    assert (answer.status, answer.fate) == (None, "garbage")
    assert ("TLS" in answer.error) == (said[0] == 0x15)


def test_nobody_listening_is_refused_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
    assert ask(address, GET, timeout=5).fate == "refused"


def test_a_tls_error_is_told_as_such() -> None:
    with server(saying(b"HTTP/1.1 400 No TLS here\r\n\r\n")) as address:
        answer = ask(address, GET, timeout=1, tls=Tls(ssl.create_default_context(), "127.0.0.1"))
    assert answer.fate == "refused"
    assert "does it speak TLS there?" in answer.error


def test_an_endless_redirect_is_one_answer_since_nothing_is_followed() -> None:
    with server(saying(b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n")) as address:
        answer = ask(address, GET, timeout=5)
    assert (answer.status, answer.header("location")) == (302, "/")
