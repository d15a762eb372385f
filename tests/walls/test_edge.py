"""The search alone, without a network: exact, and never dearer than promised."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.model.exchange import Sizes
from harness.model.request import Request, measure
from harness.probes.walls.edge import Guess, find_edge, halvings
from harness.probes.walls.knobs import Body, Count, Field, Line, template


@given(st.data())
def test_it_finds_every_edge_within_plain_bisection_and_its_spare(data: st.DataObject) -> None:
    low = data.draw(st.integers(0, 10**6))
    high = low + data.draw(st.integers(1, 10**6))
    edge = data.draw(st.integers(low, high - 1))
    spare = data.draw(st.integers(0, 4))
    places = data.draw(st.lists(st.tuples(st.integers(0, 2 * 10**6), st.booleans()), max_size=30))
    guesses = [Guess(at, None, "line", named) for at, named in places]
    asked: list[int] = []

    def passes(n: int) -> bool:
        asked.append(n)
        return n <= edge

    assert find_edge(passes, low, high, lambda: guesses, spare) == (edge, edge + 1)
    assert len(asked) <= halvings(low, high) + spare
    assert len(set(asked)) == len(asked)


@given(st.integers(3000, 29_999))
def test_a_named_guess_that_is_right_takes_two_questions(edge: int) -> None:
    asked: list[int] = []

    def passes(n: int) -> bool:
        asked.append(n)
        return n <= edge

    find_edge(passes, 3000, 30_000, lambda: [Guess(edge, None, "line", True)], spare=2)
    assert set(asked) <= {edge, edge + 1}


BASE = template("127.0.0.1:8000", (("Cookie", "session=abc"),))


@given(st.integers(60, 5000), st.integers(0, 600))
def test_a_line_is_as_long_as_asked_for_and_padding_goes_elsewhere(n: int, pad: int) -> None:
    request = Line(BASE).request(n, pad)
    assert measure(request, "line") == n == len(request.wire().split(b"\r\n")[0])
    assert measure(request, "head") - measure(Line(BASE).request(n), "head") == pad


@given(st.integers(1, 5000), st.integers(3, 600))
def test_a_header_is_as_long_as_asked_for(n: int, pad: int) -> None:
    request = Field(BASE).request(n, pad)
    assert dict(request.headers)["X-Rehearsal"] == "r" * n
    assert measure(request, "line") - measure(Field(BASE).request(n), "line") == pad


@given(st.integers(3, 300))
def test_there_are_as_many_headers_as_asked_for(n: int) -> None:
    assert Count(BASE).request(n).wire().count(b"\r\n") - 2 == n


def test_a_body_is_declared_and_not_sent() -> None:
    wire = Body(BASE).request(5_000_000).wire()
    assert b"Content-Length: 5000000\r\n" in wire
    assert wire.endswith(b"\r\n\r\n")


def test_every_unit_counts_what_its_servers_count() -> None:
    request = Request("GET", "/a?b=c", (("Host", "x"), ("Cookie", "yy")))
    sizes = {
        unit: measure(request, unit) for unit in ("line", "target", "query", "path", "head", "field", "value")
    }  # type: ignore[arg-type]
    assert sizes == {
        "line": 19,
        "target": 6,
        "query": 3,
        "path": 2,
        "head": len(request.wire()),
        "field": 10,
        "value": 2,
    }
    assert measure(request, "text") == 6 + len("Hostx") + len("Cookieyy")
    assert measure(request, "headers") == 2


def test_a_request_reads_back_from_its_bytes() -> None:
    request = Request("POST", "/a?b=c&d=", (("Host", "x"),), b"id=1&id=2")
    assert Request.of(request.wire()).wire() == request.wire()
    assert request.sizes() == Sizes(line=23, target=9, head=len(request.head()), body=9, fields=4)
