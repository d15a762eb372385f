"""Requests over TLS: a good certificate changes nothing, and a bad one is told as what it is."""

from __future__ import annotations

import contextlib
import http.server
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.drive.tls import tls_for
from harness.drive.wire import Answer, ask
from harness.errors import UsageError
from harness.model.scenario import Service
from harness.stage.readiness import answers
from tests.certificates import self_signed

BODY = bytes(range(256)) * 8000


class Echo(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self.send_response(204)
        self.end_headers()

    def log_message(self, *words: object) -> None:
        pass


@contextlib.contextmanager
def serving(certificate: Path) -> Iterator[tuple[str, int]]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield ("127.0.0.1", server.server_address[1])
        server.shutdown()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return self_signed(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def address(certificate: Path) -> Iterator[tuple[str, int]]:
    with serving(certificate) as address:
        yield address


def posted(address: tuple[str, int], service: Service, segment: int = 0) -> Answer:
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(BODY)
    return ask(address, head + BODY, timeout=20, segment=segment, keep=len(BODY), tls=tls_for(service))


@pytest.mark.parametrize("segment", [0, 1400])
def test_a_certificate_that_the_scenario_names_is_good_and_every_byte_goes_both_ways(
    address: tuple[str, int], certificate: Path, segment: int
) -> None:
    answer = posted(address, Service(port=1, tls=str(certificate)), segment)
    assert (answer.status, answer.complete, answer.error) == (200, True, "")
    assert answer.body == BODY


def test_a_certificate_nobody_vouches_for_is_no_connection_and_the_reason_is_told(
    address: tuple[str, int],
) -> None:
    answer = posted(address, Service(port=1, tls="system"))
    assert (answer.status, answer.fate) == (None, "refused")
    assert answer.error == "TLS error: self-signed certificate"


def test_a_certificate_for_another_name_is_no_connection(address: tuple[str, int], certificate: Path) -> None:
    answer = posted(address, Service(port=1, tls=str(certificate), tls_name="batch.example"))
    assert "batch.example" in answer.error
    assert answer.error.startswith("TLS error: ")


def test_who_says_unchecked_is_believed(address: tuple[str, int]) -> None:
    assert posted(address, Service(port=1, tls="unchecked", tls_name="batch.example")).status == 200


def test_a_peer_that_says_nothing_does_not_hold_the_handshake_for_ever() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        answer = ask(
            silent.getsockname(),
            b"GET / HTTP/1.1\r\n\r\n",
            timeout=0.3,
            tls=tls_for(Service(port=1, tls="system")),
        )
    assert (answer.status, answer.fate) == (None, "refused")
    assert answer.error == "TLS error: no handshake in time (does it speak TLS there?)"


def test_a_service_over_tls_is_ready_whatever_its_certificate(address: tuple[str, int]) -> None:
    assert answers(address, "/", tls=True)() == ""
    assert answers(address, "/")() != ""


def test_authorities_that_cannot_be_read_are_a_mistake_in_the_scenario(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("nothing")
    for name in ("missing.pem", "empty.pem"):
        with pytest.raises(UsageError, match="cannot be read"):
            tls_for(Service(port=1, tls=str(tmp_path / name)))
