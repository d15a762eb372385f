"""A trigger run again without sending its last request: exact bytes, and nothing goes out."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from harness.drive.client import Live
from harness.drive.messages import Request, Response
from harness.drive.tape import Tape, build, changing, recording
from harness.errors import HarnessError
from tests.drive.test_client import Server

PAGE = b"HTTP/1.1 200 OK\r\nSet-Cookie: sid=fresh\r\nContent-Length: 11\r\n\r\ntoken=abc12"
TAKEN = b"HTTP/1.1 302 Found\r\nLocation: /status\r\nContent-Length: 0\r\n\r\n"
PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server(PAGE, TAKEN, PLAIN)
    yield server
    server.close()


def trigger(users: list[str]):
    """Fetches the page with its token, then posts a form; of several chunks the last one starts the batch."""

    def pull(live: Live) -> Response:
        token = re.search(r"token=(\w+)", live.batch.get("/page").expect(200).text)[1]
        return live.batch.post("/run", data=[("token", token), *(("id", user) for user in users)]).expect(302)

    return pull


def recorded(server: Server) -> tuple[Live, Tape]:
    live = Live({"batch": server.address}, stage="process")
    with recording(live) as tape:
        tape.ends_with(trigger(["1", "2"])(live))
    return live, tape


def test_the_last_request_is_built_for_any_users_and_never_sent(server: Server) -> None:
    live, tape = recorded(server)
    built = build(tape, live, trigger([str(n) for n in range(500)]))
    assert (tape.last, len(server.asked)) == (1, 2)
    assert built.fields == 501
    assert built.body.startswith(b"token=abc12&id=0&id=1&")


def test_for_the_same_users_it_is_the_request_that_was_sent_to_the_byte(server: Server) -> None:
    live, tape = recorded(server)
    live.batch.cookies["sid"] = "another"
    assert build(tape, live, trigger(["1", "2"])).wire == server.asked[1]
    assert live.batch.cookies == {"sid": "another"}


def test_a_trigger_that_does_not_like_the_answer_on_the_tape_still_gives_its_request(server: Server) -> None:
    live, tape = recorded(server)

    def picky(live: Live) -> Response:
        live.batch.get("/page")
        return live.batch.post("/run", data={"id": 7}).expect(418)

    assert build(tape, live, picky).body == b"id=7"


def test_of_more_requests_than_on_the_tape_the_one_whose_answer_is_returned_counts(server: Server) -> None:
    live, tape = recorded(server)

    def chunks(live: Live) -> Response:
        live.batch.get("/page")
        first = live.batch.post("/run", data={"id": "first"})
        live.batch.post("/run", data={"id": "second"})
        return first

    assert build(tape, live, chunks).body == b"id=first"


def test_a_trigger_that_sends_less_this_time_is_told(server: Server) -> None:
    live, tape = recorded(server)
    with pytest.raises(HarnessError, match="1 requests this time, and 2"):
        build(tape, live, lambda live: live.batch.get("/page"))


def test_only_the_request_that_is_meant_is_changed_on_its_way(server: Server) -> None:
    live = Live({"batch": server.address}, stage="process")
    wanted = Request("batch", "POST", "/run", (), b"", 0)
    with changing(live, wanted, lambda request: Request("batch", "POST", "/run?x", (), b"changed", 0)):
        trigger(["1"])(live)
    live.batch.get("/page")
    assert server.asked[0].startswith(b"GET /page")
    assert server.asked[1] == b"POST /run?x HTTP/1.1\r\n\r\nchanged"
    assert server.asked[2].startswith(b"GET /page")
