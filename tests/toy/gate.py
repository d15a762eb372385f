"""A batch whose way in is guarded or broken, for tests of the harness: `gate.py PORT MODE`; /items tells what it took
It speaks TLS with the certificate and key in the file GATE_CERTIFICATE, where that is set.

csrf, origin, login, login-page, waf, rate, wordless   a guard that turns away for one reason
redirect, drip, gigabyte, garbage, close, gone         everything but /items and /health is broken in this way
"""

import contextlib
import json
import os
import socket
import ssl
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

MODE = sys.argv[2]
CSRF = b"<p>CSRF verification failed. Request aborted.</p>"
LOGIN_PAGE = b'<form method="post"><input name="p" type="password"></form>'
taken: list[str] = []
last_call = time.monotonic()


class Gate(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        if self.path in ("/items", "/health"):
            return self.answer(200, json.dumps(taken).encode())
        if MODE in BROKEN:
            return BROKEN[MODE](self)
        return self.answer(404, b"no such page")

    def do_POST(self) -> None:
        if MODE in BROKEN:
            return BROKEN[MODE](self)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path != "/run":
            return self.answer(404, b"no such page")
        refused = GUARDS[MODE](self, body)
        if refused:
            return self.answer(*refused[:2], **(refused[2] if len(refused) > 2 else {}))
        taken.extend(item for item in parse_qs(body.decode())["id"] if item not in taken)
        return self.answer(202, b"accepted")

    def log_message(self, *words: object) -> None:
        pass


def rate(gate: Gate, body: bytes):
    global last_call
    early, last_call = time.monotonic() - last_call < 4, time.monotonic()
    return (429, b"slow down", {"Retry_After": "4"}) if early else None


GUARDS = {
    "csrf": lambda gate, body: (403, CSRF),
    "origin": lambda gate, body: None if gate.headers["Origin"] else (403, b"Origin checking failed"),
    "login": lambda gate, body: (302, b"", {"Location": "/login?next=/run"}),
    "login-page": lambda gate, body: (200, LOGIN_PAGE),
    "wordless": lambda gate, body: (422, b"no"),
    "waf": lambda gate, body: (403, b"Forbidden") if b"%27" in body else None,
    "rate": rate,
}


def drip(gate: Gate) -> None:
    gate.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n")
    with contextlib.suppress(OSError):
        while True:
            gate.wfile.write(b"x")
            time.sleep(0.1)


def pour(gate: Gate) -> None:
    gate.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n")
    with contextlib.suppress(OSError):
        for _ in range(1024):
            gate.wfile.write(b"x" * 2**20)


def hang_up(gate: Gate) -> None:
    gate.close_connection = True
    gate.connection.shutdown(socket.SHUT_RDWR)


def go(gate: Gate) -> None:
    server.socket.close()
    hang_up(gate)
    time.sleep(600)


BROKEN = {
    "redirect": lambda gate: gate.answer(301, Location=gate.path),
    "drip": drip,
    "gigabyte": pour,
    "garbage": lambda gate: gate.wfile.write(b"220 mail.example ESMTP\r\n"),
    "close": hang_up,
    "gone": go,
}
server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Gate)
server.daemon_threads = True
if "GATE_CERTIFICATE" in os.environ:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.environ["GATE_CERTIFICATE"])
    server.socket = context.wrap_socket(server.socket, server_side=True)
try:
    server.serve_forever()
except (OSError, ValueError):
    time.sleep(600)  # its port is gone, and it lives
