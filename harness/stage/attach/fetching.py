"""One GET to a pinned place: for readiness, metrics and logs. Nothing is followed, and no proxy is asked."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection

from harness.stage.attach.pinning import Place

TIMEOUT = 5.0
MOST = 8 * 2**20


@dataclass(frozen=True)
class Fetched:
    """An answer; `whole`: all of its body is here."""

    status: int
    location: str
    body: bytes
    whole: bool


def fetch(place: Place, tls: ssl.SSLContext | None, *, timeout: float = TIMEOUT) -> Fetched:
    """What a GET of the place answers. Raises OSError or HTTPException where nothing readable comes."""
    wanted = place.wanted
    kind = HTTPSConnection if wanted.scheme == "https" else HTTPConnection
    connection = kind(wanted.host, wanted.port, timeout=timeout)
    secure = (tls or ssl.create_default_context()) if wanted.scheme == "https" else None
    plain = socket.create_connection((place.address, wanted.port), timeout=timeout)
    try:
        connection.sock = secure.wrap_socket(plain, server_hostname=wanted.host) if secure else plain
        connection.request("GET", wanted.path, headers={"User-Agent": "rehearse", "Accept": "*/*"})
        answer = connection.getresponse()
        body = answer.read(MOST + 1)
    finally:
        connection.close()
        plain.close()
    return Fetched(answer.status, answer.headers.get("Location", ""), body[:MOST], len(body) <= MOST)


def fetched(place: Place, tls: ssl.SSLContext | None) -> bytes | str:
    """The body of a whole answer with status 200, or why there is none."""
    try:
        found = fetch(place, tls)
    except (OSError, HTTPException) as problem:
        return f"{place.url}{place.wanted.path} does not answer: {problem or type(problem).__name__}"
    if found.status != 200:
        return f"{place.url}{place.wanted.path} answers with status {found.status}"
    return (
        found.body if found.whole else f"{place.url}{place.wanted.path} answers with more than {MOST:,} bytes"
    )
