"""R20: the tap passes on exactly what it got, however odd, in both directions."""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.tap.remote import Remote
from tests.faults.rows import Row, Trial
from tests.tap.places import downstream, tap

R20 = Row("R20")
TARGETS = [
    b"/a%2e%2e/b",
    b"/a/../b",
    b"/a/./b",
    b"//double//slash",
    b"/%00",
    b"/%zz",
    b"/caf\xc3\xa9",
    b"/caf\xe9",
    b"/with space",
    b"/tab\tin",
    b"/ctl\x01",
    b"/#fragment",
    b"/?a=1&a=2&&=;b",
    b"http://elsewhere.example/absolute",
]
HEADERS = [
    b"X_Under: 1",
    b"x-lower: 1\r\nX-LOWER: 2\r\nX-Lower: 3",
    b"X-Empty:",
    b"X-Spaces:   \t padded \t ",
    b"X-Latin: caf\xe9",
    b"X-Folded: one\r\n two",
]
LENGTHS = [2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 1_000_000]
FRAMES = [
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;ext=1\r\nabc\r\n0\r\nX-Trailer: 1\r\n\r\n",
    b"GET / HTTP/1.0\r\n\r\n",
    b"GET /bare-lf HTTP/1.1\nHost: a\n\n",
    b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20000000\r\n\r\n" + b"x" * 20_000_000,
    b"\x16\x03\x01\x00\xa5no HTTP at all\x00\xff",
]
ODD_ANSWER = (
    b"HTTP/1.1 299 Odd \xe9\r\nx_odd:1\r\nX-Odd: 2\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n"
    b"Content-Length: 4\r\n\r\n\x00\xff\r\n"
)


def probes() -> list[bytes]:
    """The 36 requests: 14 targets, 6 header forms, 8 lengths of URL, 8 framings."""
    found = [b"GET " + target + b" HTTP/1.1\r\nHost: a\r\n\r\n" for target in TARGETS]
    found += [b"GET / HTTP/1.1\r\nHost: a\r\n" + header + b"\r\n\r\n" for header in HEADERS]
    found += [b"GET /" + b"u" * length + b" HTTP/1.1\r\nHost: a\r\n\r\n" for length in LENGTHS]
    return found + FRAMES


class Ear:
    """Takes in so many bytes, answers oddly, and keeps their sum."""

    def __init__(self) -> None:
        self.wanted, self.heard, self.digest = 0, 0, hashlib.sha256()
        self.done = threading.Event()

    def expect(self, wanted: int) -> None:
        self.wanted, self.heard, self.digest = wanted, 0, hashlib.sha256()
        self.done.clear()

    def __call__(self, connection: socket.socket) -> None:
        while self.heard < self.wanted and (data := connection.recv(2**18)):
            self.heard += len(data)
            self.digest.update(data)
        connection.sendall(ODD_ANSWER)
        self.done.set()


@pytest.fixture(params=["no fault", "a fault that is on for others"])
def way(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Ear, tuple[str, int], Remote]]:
    """A tap that passes bytes at once, and one that holds requests until they are whole."""
    ear = Ear()
    with downstream(ear) as address, tap(address, tmp_path / "journal") as (at, remote, _):
        if request.param != "no fault":
            remote.play("error", items=["nobody"], methods=["GET", "POST"])
        yield ear, at, remote


@R20.trials("36 odd requests", quick=36, full=36, in_one=True)
def test_36_odd_requests_arrive_as_they_were_sent(
    trial: Trial, way: tuple[Ear, tuple[str, int], Remote]
) -> None:
    ear, at, _ = way
    assert len(probes()) == trial.asked
    for probe in probes():
        ear.expect(len(probe))
        with socket.create_connection(at, timeout=20) as connection:
            connection.sendall(probe)
            assert ear.done.wait(20), f"{ear.heard} of {len(probe)} bytes came: {probe[:60]!r}"
            connection.shutdown(socket.SHUT_WR)
            answer = b""
            while data := connection.recv(65536):
                answer += data
        trial.fired("the downstream heard it")
        assert ear.digest.digest() == hashlib.sha256(probe).digest(), probe[:60]
        assert answer == ODD_ANSWER, probe[:60]
