"""Whatever limit a server has, however it refuses: the finder finds it exactly, within its budget."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.model.answer import Answer
from harness.model.finding import NotChecked
from harness.model.request import Request, measure
from harness.model.walls import Delivery, Open, Wall, checksum
from harness.probes.walls.asking import SEGMENT, Asker, Budget, learn
from harness.probes.walls.delivery import Shipment, find_delivery_wall
from harness.probes.walls.edge import halvings
from harness.probes.walls.find import SPARE, Question, find_wall
from harness.probes.walls.hops import Hop
from harness.probes.walls.knobs import Body, Count, Field, Knob, Line, template
from harness.probes.walls.look import Target, look
from tests.walls.planted import Planted, PlantedServer, serving

QUICK = settings(max_examples=20, deadline=None)
LOUD = st.sampled_from(["status", "bare", "reset", "close"])
STATUS = st.sampled_from([400, 413, 414, 431, 502])


def search(
    server: PlantedServer, knob: Knob, usual: int, largest: int, budget: Budget | None = None
) -> Wall | Open | NotChecked:
    control = knob.request(knob.smallest)
    baseline = learn(server.ask, control)
    asker = Asker(server.ask, baseline, control, budget or Budget())
    return find_wall(asker, Question("planted", knob, usual, largest))


def base(server: PlantedServer) -> Line:
    return Line(template(f"127.0.0.1:{server.address[1]}"))


def plain(low: int, high: int) -> int:
    return 2 + halvings(low, high)


def found(wall: Wall | Open | NotChecked) -> Wall:
    assert isinstance(wall, Wall), wall
    return wall


@QUICK
@given(st.integers(200, 60_000), st.sampled_from(["line", "target"]), LOUD, STATUS, st.randoms())
def test_a_limit_on_the_line_is_found_to_the_byte(
    limit: int, unit: str, how: str, status: int, chance
) -> None:  # type: ignore[no-untyped-def]
    offset = 13 if unit == "target" else 0
    low, high = chance.randint(120, limit), limit + offset + chance.randint(1, 100_000)
    with serving(Planted(**{unit: limit}, how=how, status=status)) as server:  # type: ignore[arg-type]
        wall = found(search(server, base(server), low, high))
    assert (wall.last_passing, wall.first_failing) == (limit + offset, limit + offset + 1)
    assert wall.requests + wall.identifying <= plain(low, high) + SPARE
    assert not wall.soft


@QUICK
@given(st.integers(400, 60_000), LOUD, STATUS, st.integers(1, 50_000))
def test_a_limit_on_the_whole_head_is_found_and_told_from_one_on_the_line(
    limit: int, how: str, status: int, above: int
) -> None:
    with serving(Planted(head=limit, how=how, status=status)) as server:
        wall = found(search(server, base(server), 130, limit + above))
    assert (wall.value, wall.unit) == (limit, "head")
    assert wall.requests + wall.identifying <= plain(130, limit + above) + SPARE


@QUICK
@given(st.integers(60, 30_000), LOUD, st.integers(1, 50_000))
def test_a_limit_on_one_header_is_found_to_the_byte(limit: int, how: str, above: int) -> None:
    with serving(Planted(field=limit, how=how, status=431)) as server:
        knob = Field(base(server).base)
        wall = found(search(server, knob, 10, limit + above))
        assert measure(knob.request(wall.last_passing), "field") == limit
        assert measure(knob.request(wall.first_failing), "field") == limit + 1
    assert wall.requests + wall.identifying <= plain(10, limit + above) + SPARE


@QUICK
@given(st.integers(5, 1500), LOUD, st.integers(1, 500))
def test_a_limit_on_the_number_of_headers_is_found_exactly(limit: int, how: str, above: int) -> None:
    with serving(Planted(headers=limit, how=how, status=400)) as server:
        wall = found(search(server, Count(base(server).base), 4, limit + above))
    assert (wall.last_passing, wall.unit, wall.value) == (limit, "headers", limit)
    assert wall.requests + wall.identifying <= plain(4, limit + above) + SPARE


@QUICK
@given(st.integers(100, 10**8), LOUD, st.integers(1, 10**8))
def test_a_limit_on_the_body_is_found_by_declaring_it_alone(limit: int, how: str, above: int) -> None:
    with serving(Planted(body=limit, how=how, status=413)) as server:
        wall = found(search(server, Body(base(server).base), 50, limit + above))
    assert (wall.last_passing, wall.unit) == (limit, "body")
    assert wall.requests + wall.identifying <= plain(50, limit + above) + SPARE


@settings(max_examples=8, deadline=None)
@given(st.integers(1_500, 12_000))
def test_a_limit_that_depends_on_packets_is_found_soft_and_the_lower_edge_counts(limit: int) -> None:
    with serving(Planted(arrival=limit, how="status", status=400)) as server:
        wall = found(search(server, base(server), 130, 20_000))
    assert (wall.unit, wall.value, wall.soft) == ("head", (limit // SEGMENT + 1) * SEGMENT, True)
    assert wall.requests + wall.identifying <= plain(130, 20_000) + SPARE


@settings(max_examples=3, deadline=None)
@given(st.integers(300, 5000), st.integers(1, 8), st.integers(1, 8))
def test_a_server_that_hangs_on_too_much_is_found_out_and_never_waited_for_longer_than_asked(
    limit: int, below: int, above: int
) -> None:
    with serving(Planted(line=limit, how="hang")) as server:
        wall = found(search(server, base(server), limit - below, limit + above))
    assert (wall.last_passing, wall.refusal.how) == (limit, "timeout")
    assert wall.requests + wall.identifying <= plain(limit - below, limit + above) + SPARE


USUAL, LARGEST = 30, 300


def form(n: int, pad: int) -> bytes:
    rows = [f"id={100_000 + index}" for index in range(n)] + ([f"pad={'p' * pad}"] if pad else [])
    return "&".join(rows).encode()


def delivered(server: PlantedServer) -> Wall:
    """What is found by sending forms over the socket and reading back what the server kept."""

    def deliver(n: int, pad: int) -> Delivery:
        ids = [str(100_000 + index) for index in range(n)]
        server.kept = []
        answer = server.ask(Request("POST", "/run", (("Host", "planted"),), form(n, pad)).wire(), 0)
        kept = None if answer.status != 200 else len(server.kept)
        sums = {"items_sum": checksum(ids), "arrived_sum": checksum(server.kept)}
        return Delivery(sent=n, arrived=kept, answer=answer, **sums)

    size = lambda n, pad: len(form(n, pad))  # noqa: E731
    return found(find_delivery_wall(Shipment("planted", "fields", deliver, size, USUAL, LARGEST)))


@QUICK
@given(st.integers(1, LARGEST - 1))
def test_what_is_cut_off_behind_a_success_is_found_to_the_item_over_a_real_socket(limit: int) -> None:
    with serving(Planted(keeps=limit)) as server:
        wall = delivered(server)
    assert (wall.refusal.how, wall.last_passing, wall.first_failing, wall.lost_at) == (
        "lost",
        limit,
        limit + 1,
        limit,
    )
    assert wall.requests + wall.identifying <= 5


@QUICK
@given(st.integers(len(form(2, 1)), len(form(LARGEST, 0)) - 1))
def test_a_form_that_is_dropped_whole_behind_a_success_is_found_to_the_byte(limit: int) -> None:
    with serving(Planted(drops=limit)) as server:
        wall = delivered(server)
    low, high = (1, USUAL) if wall.below_usual else (USUAL, LARGEST)
    assert (wall.refusal.how, wall.unit, wall.value, wall.lost_at) == ("lost", "body", limit, 0)
    assert wall.requests + wall.identifying <= plain(len(form(low, 0)), len(form(high, 0))) + SPARE


@QUICK
@given(st.integers(1, LARGEST - 1), LOUD, STATUS)
def test_a_refusal_by_fields_is_found_to_the_field_however_it_is_made(
    limit: int, how: str, status: int
) -> None:
    if status == 502:
        status = 400  # a 502 to a form is taken for a service that is down
    with serving(Planted(fields=limit, how=how, status=status)) as server:
        wall = delivered(server)
    low, high = (1, USUAL) if wall.below_usual else (USUAL, LARGEST)
    assert (wall.unit, wall.value, wall.last_passing) == ("fields", limit, limit)
    assert wall.requests + wall.identifying <= plain(low, high) + SPARE


@pytest.mark.parametrize("knob", [Line, Field, Count, Body])
def test_where_all_is_far_away_two_requests_say_so(knob: type) -> None:
    with serving(Planted()) as server:
        open_ = search(server, knob(base(server).base), 50, 900)
        spent = server.asked - 1  # the baseline is asked once for all kinds
    assert isinstance(open_, Open)
    assert spent == open_.requests == 2


def test_the_usual_size_is_already_too_much() -> None:
    with serving(Planted(line=700, status=400)) as server:
        wall = found(search(server, base(server), 3000, 30_000))
    assert wall.below_usual
    assert wall.last_passing == 700


def test_a_shared_system_is_left_alone_after_the_first_answer_without_a_status() -> None:
    with serving(Planted(line=1000, how="reset")) as server:
        seen = search(server, base(server), 500, 5000, Budget(silences=0))
        assert server.asked == 2
    assert isinstance(seen, NotChecked)
    assert "nothing more is sent" in seen.why


def test_a_spent_budget_is_no_verdict() -> None:
    with serving(Planted(line=12_345, status=400, page="")) as server:
        seen = search(server, base(server), 500, 50_000, Budget(requests=6))
    assert isinstance(seen, NotChecked)
    assert "budget of 6 requests" in seen.why


def test_a_limit_named_in_the_refusal_is_found_without_searching() -> None:
    with serving(
        Planted(line=6000, status=414, page="Request Line is too large (30000 &gt; 6000)")
    ) as server:
        wall = found(search(server, base(server), 3000, 30_000))
    assert (wall.last_passing, wall.requests) == (6000, 4)


def test_four_kinds_far_away_cost_two_requests_each_and_two_baselines() -> None:
    with serving(Planted()) as server:
        sizes = {"line": (300, 3000), "header": (30, 300), "headers": (5, 50), "body": (5000, 50_000)}
        hops = [Hop("batch", ask=server.ask)]
        seen = look(Target("batch", server.ask, "127.0.0.1", hops, sizes))  # type: ignore[arg-type]
        assert server.asked == 4 * 2 + 2
    assert [one.kind for one in seen if isinstance(one, Open)] == list(sizes)


def test_a_header_that_comes_and_goes_is_not_taken_for_a_wall() -> None:
    asked = 0

    def moody(request: bytes, segment: int) -> Answer:
        nonlocal asked
        asked += 1
        headers = [("X-Cache", "miss")] if asked == 1 else []
        return Answer(404, "Not Found", headers, complete=True)

    (seen,) = look(Target("batch", moody, "127.0.0.1", [Hop("batch")], {"line": (300, 3000)}))
    assert isinstance(seen, Open)
    assert seen.requests <= 3


def test_a_service_that_dies_in_silence_is_not_checked() -> None:
    asked = 0

    def dying(request: bytes, segment: int) -> Answer:
        nonlocal asked
        asked += 1
        if asked < 5 and len(request) < 9000:
            return Answer(404, "Not Found", complete=True)
        return Answer(fate="timeout", error="no complete answer within 4 s")

    (seen,) = look(Target("batch", dying, "127.0.0.1", [Hop("batch")], {"line": (300, 10_000)}))
    assert isinstance(seen, NotChecked)
    assert "no longer takes a small request" in seen.why


def test_where_one_write_is_refused_earlier_than_segments_the_lower_edge_counts_and_is_soft() -> None:
    def in_a_hurry(request: bytes, segment: int) -> Answer:
        refused = not segment and len(request.split(b"\r\n")[0]) > 1234
        return Answer(400 if refused else 404, complete=True)

    (seen,) = look(Target("batch", in_a_hurry, "127.0.0.1", [Hop("batch")], {"line": (300, 10_000)}))
    wall = found(seen)
    assert (wall.last_passing, wall.soft) == (1234, True)
