"""The client that scenarios use: exact bytes, cookies kept, nothing followed."""

import socket
import threading
from collections.abc import Iterator

import pytest

from harness.drive.client import Client, Live
from harness.drive.messages import UnexpectedAnswer
from harness.errors import UsageError


class Server:
    """Answers each connection with the next of `answers`; keeps what was asked."""

    def __init__(self, *answers: bytes) -> None:
        self.asked: list[bytes] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = self._socket.getsockname()
        self._thread = threading.Thread(target=self._serve, args=(answers,), daemon=True)
        self._thread.start()

    def _serve(self, answers: tuple[bytes, ...]) -> None:
        for answer in answers:
            connection, _ = self._socket.accept()
            with connection:
                self.asked.append(connection.recv(65536))
                connection.sendall(answer)

    def close(self) -> None:
        self._thread.join(2)
        self._socket.close()


@pytest.fixture
def serve() -> Iterator:
    made: list[Server] = []

    def start(*answers: bytes) -> tuple[Server, Client]:
        made.append(Server(*answers))
        return made[-1], Client("batch", made[-1].address)

    yield start
    for server in made:
        server.close()


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


def test_the_sizes_told_are_the_bytes_sent(serve) -> None:
    server, client = serve(OK)
    sizes = client.post("/run?x=1", data={"a": "ä", "b": ["1,2"]}).exchange.sizes
    head, _, body = server.asked[0].partition(b"\r\n\r\n")
    assert sizes.head == len(head) + 4 and sizes.body == len(body) and sizes.fields == 2
    assert sizes.line == len(head.split(b"\r\n")[0])
    assert body == b"a=%C3%A4&b=%5B%271%2C2%27%5D"


def test_cookies_are_kept_and_sent_and_dropped_when_they_end(serve) -> None:
    set_cookie = b"HTTP/1.1 200 OK\r\nSet-Cookie: s=1; Path=/\r\nSet-Cookie: t=2\r\nContent-Length: 0\r\n\r\n"
    gone = b"HTTP/1.1 200 OK\r\nSet-Cookie: s=; Max-Age=0\r\nContent-Length: 0\r\n\r\n"
    server, client = serve(set_cookie, gone, OK)
    for _ in range(3):
        client.get("/")
    assert b"Cookie" not in server.asked[0]
    assert b"Cookie: s=1; t=2\r\n" in server.asked[1]
    assert b"Cookie: t=2\r\n" in server.asked[2]


def test_a_redirect_is_an_answer_like_any_other(serve) -> None:
    server, client = serve(b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n")
    reply = client.get("/")
    assert (reply.status, reply.exchange.header("location"), len(server.asked)) == (302, "/login", 1)


def test_an_answer_that_a_scenario_cannot_use_is_told_with_what_came(serve) -> None:
    _, client = serve(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 8\r\n\r\nno token")
    with pytest.raises(UnexpectedAnswer, match="status 403: no token"):
        client.post("/import", json=[]).expect(200)


def test_text_of_an_answer_that_was_not_kept_whole_is_refused(serve) -> None:
    long = b"HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n" + b"x" * 5_000_000
    _, client = serve(long, long)
    with pytest.raises(UsageError, match="5000000 bytes"):
        _ = client.get("/").text
    assert len(client.get("/", whole=True).text) == 5_000_000


def test_nobody_listening_is_an_exchange_without_a_status() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = closed.getsockname()
    exchange = Client("batch", address).get("/").exchange
    assert (exchange.status, exchange.fate) == (None, "refused")


def test_a_service_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(AttributeError, match=r"no service 'bacth'.*batch"):
        _ = Live({"batch": ("127.0.0.1", 1)}, stage="process").bacth
