"""Where nothing can be seen it is said so, with the reason: never a pass, never a hang."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time

import pytest

from harness.drive.tls import Tls
from harness.drive.wire import ask
from harness.model.answer import Answer
from harness.model.finding import NotChecked
from harness.probes.walls.asking import Ask
from harness.probes.walls.hops import Hop
from harness.probes.walls.look import Target, look
from tests.drive.test_wire import Talk, saying, server


def drip(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection.sendall(b"x")
            time.sleep(0.02)


def pour(connection: socket.socket) -> None:
    for _ in range(1024):
        connection.sendall(b"x" * 2**20)


def line_of(ask_it: Ask) -> NotChecked:
    hops = [Hop("front")]
    seen = look(Target("batch", ask_it, "127.0.0.1", hops, {"line": (3000, 30_000)}))
    assert len(seen) == 1
    assert isinstance(seen[0], NotChecked), seen
    return seen[0]


BAD: dict[str, tuple[Talk, str]] = {
    "endless redirect": (
        saying(b"HTTP/1.1 301 Moved\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"),
        "redirected to /",
    ),
    "slow drip": (saying(b"HTTP/1.1 404 No\r\nContent-Length: 99999\r\n\r\n", drip), "no complete answer"),
    "gigabyte": (
        saying(b"HTTP/1.1 404 No\r\nContent-Length: 1073741824\r\n\r\n", pour),
        "not read to its end",
    ),
    "garbage": (saying(b"220 mail.example ESMTP\r\n"), "no HTTP came back"),
    "TLS port": (saying(b"\x15\x03\x01\x00\x02\x02\x46"), "looks like TLS"),
    "closing": (lambda connection: None, "no usable answer"),
    "already busy": (saying(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"), "already answered with 503"),
    "already forbidden": (
        saying(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"),
        "already answered with 403",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_service_that_gives_no_ground_to_stand_on_is_not_checked(name: str) -> None:
    talk, why = BAD[name]
    timeout = 0.5 if name == "slow drip" else 30.0
    with server(talk) as address:
        seen = line_of(lambda request, segment: ask(address, request, timeout=timeout, segment=segment))
    assert why in seen.why
    assert seen.probe == "request walls: line of batch"


def test_an_unreachable_service_is_not_checked() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
    assert "no connection" in line_of(lambda request, segment: ask(address, request, timeout=5)).why


def test_a_tls_error_is_not_checked() -> None:
    tls = Tls(ssl.create_default_context(), "127.0.0.1")
    with server(saying(b"HTTP/1.1 200 OK\r\n\r\n")) as address:
        seen = line_of(lambda request, segment: ask(address, request, timeout=1, tls=tls))
    assert "no connection: TLS error" in seen.why


def test_a_service_that_goes_down_in_the_middle_is_not_checked() -> None:
    asked = 0

    def dying(request: bytes, segment: int) -> Answer:
        nonlocal asked
        asked += 1
        if asked > 3:
            return Answer(fate="refused", error="connection refused")
        status = 404 if asked == 1 or len(request) < 5000 else 414
        return Answer(status, complete=True)

    assert "no connection" in line_of(dying).why


def test_a_rate_limit_met_on_the_way_is_not_taken_for_a_wall() -> None:
    asked = 0

    def limiting(request: bytes, segment: int) -> Answer:
        nonlocal asked
        asked += 1
        return Answer(404 if asked == 1 else 429, "Too Many Requests", complete=True)

    assert "limited by rate" in line_of(limiting).why
