"""One trigger's walls: what its presses and a harmless path show together, held against a service in memory."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.drive.client import Client
from harness.model.answer import Answer
from harness.model.finding import NotChecked
from harness.model.request import Request
from harness.model.walls import Delivery, Open, Rejection, Wall, checksum
from harness.probes.walls.asking import Budget
from harness.probes.walls.changes import Change
from harness.probes.walls.shape import count, depth, parts
from harness.probes.walls.shape import fields as shape_fields
from harness.probes.walls.study import Case, study

FORM = ("Content-Type", "application/x-www-form-urlencoded")
TAKEN, MISSING = Answer(202, "Accepted", complete=True), Answer(404, "Not Found", complete=True)
USUAL, LARGEST = 100, 1000
Service = Callable[[Request], Answer | int]
"""What becomes of a request to the trigger: a refusal, or how many of its ids arrive."""


class Fake:
    """A hand on a trigger with one field for each user, in a form or in the query."""

    service, origin = "batch", "http://batch"

    def __init__(self, service: Service, known: dict[int, Delivery], *, method: str = "POST") -> None:
        self.becomes, self.known, self.method = service, known, method
        self.sent: dict[int, bytes] = {}
        self.presses = self.asked = 0

    def request(self, first: int, last: int) -> Request:
        form = "&".join(f"id={100_000 + user}" for user in range(first, last))
        if self.method == "GET":
            return Request("GET", f"/run?{form}", (("Host", "batch"),))
        return Request("POST", "/run", (("Host", "batch"), FORM), f"token=abc&{form}".encode())

    def build(self, users: int) -> bytes:
        return self.request(0, users).wire()

    def ask(self, request: bytes, segment: int) -> Answer:
        self.asked += 1
        found = Request.of(request)
        if found.method == "POST":
            return Answer(None, continued=True, complete=True)
        became = self.becomes(found)
        return became if isinstance(became, Answer) and became.status == 414 else MISSING

    def attempt(self, first: int, last: int, change: Change | None = None, segment: int = 0) -> Answer:
        self.presses += 1
        request = self.request(first, last)
        became = self.becomes(change(request) if change else request)
        return became if isinstance(became, Answer) else TAKEN

    def passed(self, answer: Answer) -> bool:
        return answer.status is not None and answer.status < 400

    def deliver(self, users: int, change: Change | None = None) -> Delivery:
        if change is None and users in self.known:
            return self.known[users]
        self.presses += 1
        request = change(self.request(0, users)) if change else self.request(0, users)
        delivery = delivered(users, self.becomes(request))
        if change is None:
            self.known[users], self.sent[users] = delivery, request.wire()
        return delivery

    def spoil(self) -> None:
        pass


def delivered(users: int, became: Answer | int) -> Delivery:
    ids = [str(user) for user in range(users)]
    if isinstance(became, Answer):
        return Delivery(sent=users, items_sum=checksum(ids), arrived=None, answer=became)
    arrived = ids[:became]
    return Delivery(
        sent=users,
        items_sum=checksum(ids),
        arrived=len(arrived),
        arrived_sum=checksum(arrived),
        answer=TAKEN,
    )


class Shaped(Fake):
    """The same with a body of another shape, made by the client itself from the users' ids."""

    def __init__(self, service: Service, body: Callable[[list[str]], dict]) -> None:
        super().__init__(service, {})
        self.body = body

    def request(self, first: int, last: int) -> Request:
        ids = [str(100_000 + user) for user in range(first, last)]
        client = Client("batch", ("batch", 80))
        return Request.of(client.build("POST", "/run", **self.body(ids)).wire)


def shaped(service: Service, body: Callable[[list[str]], dict]) -> list:
    hand = Shaped(service, body)
    for users in (USUAL, LARGEST):
        hand.known[users] = delivered(users, service(hand.request(0, users)))
    return list(study(hand, Case("by form", [], USUAL, LARGEST, Budget, lambda seconds: None)))


def one_wall(seen: list) -> Wall:
    (wall,) = (one for one in seen if isinstance(one, Wall))
    return wall


def files(ids: list[str]) -> dict:
    return {"parts": [("token", "abc"), *(("f", (f"{one}.txt", one)) for one in ids)]}


def upload(ids: list[str]) -> dict:
    return {"parts": [("token", "abc"), ("f", ("ids.csv", "\n".join(ids)))]}


def nested(ids: list[str]) -> dict:
    return {"data": {"id" + "[a]" * len(ids): "1"}}


def in_chunks(ids: list[str]) -> dict:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    return {"data": (f"id={one}&".encode() for one in ids), "headers": form}


def look(service: Service, *, method: str = "POST", known: tuple[int, ...] = (USUAL, LARGEST)):
    hand = Fake(service, {}, method=method)
    for users in known:
        hand.known[users] = delivered(users, service(hand.request(0, users)))
    case = Case("by form", [], USUAL, LARGEST, Budget, lambda seconds: None)
    return hand, list(study(hand, case))


def fields(request: Request) -> int:
    return request.sizes().fields


REFUSED = Answer(400, "Bad Request", body=b"no", body_length=2, complete=True)
FORBIDDEN = Answer(403, "Forbidden", complete=True)
TOO_LONG = Answer(414, "URI Too Long", complete=True)


@settings(deadline=None)
@given(st.integers(2, LARGEST - 1))
def test_a_limit_on_fields_is_found_to_the_user_though_a_token_counts_too(limit: int) -> None:
    _, seen = look(lambda request: REFUSED if fields(request) > limit else fields(request))
    (wall,) = (one for one in seen if isinstance(one, Wall))
    assert (wall.last_passing, wall.first_failing, wall.value) == (limit - 1, limit, limit)
    assert wall.users is not None and wall.users.confirmed


@settings(deadline=None)
@given(st.integers(1, LARGEST - 1))
def test_what_is_lost_in_silence_is_found_to_the_item(limit: int) -> None:
    hand, seen = look(lambda request: min(limit, fields(request) - 1))
    (wall,) = (one for one in seen if isinstance(one, Wall))
    assert (wall.refusal.how, wall.last_passing, wall.lost_at) == ("lost", limit, limit)
    assert hand.presses <= 5


@settings(deadline=None)
@given(st.integers(200, 9000))
def test_a_limit_on_the_url_is_found_elsewhere_and_pressed_for_real_only_on_its_two_sides(limit: int) -> None:
    hand, seen = look(
        lambda request: TOO_LONG if len(request.line()) > limit else fields(request), method="GET"
    )
    (wall,) = (one for one in seen if isinstance(one, Wall))
    assert wall.value == limit
    assert wall.users is not None and wall.users.confirmed
    assert len(hand.request(0, wall.users.last_passing or 0).line()) <= limit
    assert len(hand.request(0, wall.users.first_failing or 0).line()) > limit
    assert hand.presses <= 2


def test_a_loss_below_the_longest_url_is_seen_as_well() -> None:
    def service(request: Request) -> Answer | int:
        return TOO_LONG if len(request.line()) > 5000 else min(300, fields(request))

    _, seen = look(service, method="GET")
    found = {wall.refusal.how: wall for wall in seen if isinstance(wall, Wall)}
    assert found["lost"].last_passing == 300
    assert found["status"].value == 5000


def test_where_all_arrive_nothing_is_pressed_and_the_open_road_is_told() -> None:
    hand, seen = look(lambda request: fields(request))
    assert [type(one) for one in seen] == [Open]
    assert (hand.presses, hand.asked) == (0, 3)


def test_a_trigger_that_was_not_tried_is_pressed_once_with_all_users() -> None:
    hand, seen = look(lambda request: fields(request), known=())
    assert [type(one) for one in seen] == [Open]
    assert hand.presses == 1


@pytest.mark.parametrize("known", [(USUAL, LARGEST), (LARGEST,), ()])
def test_one_poisonous_user_is_no_limit(known: tuple[int, ...]) -> None:
    _, seen = look(
        lambda request: FORBIDDEN if b"id=100136" in request.body else fields(request), known=known
    )
    (told,) = (one for one in seen if isinstance(one, Rejection | Wall))
    assert isinstance(told, Rejection)
    assert told.meaning == "waf"


def test_who_refuses_one_user_too_is_no_limit() -> None:
    _, seen = look(lambda request: FORBIDDEN)
    (told,) = (one for one in seen if isinstance(one, Rejection))
    assert told.meaning == "access"


@pytest.mark.parametrize("limit", [2, 20, 101, 640])
def test_a_limit_on_files_is_found_to_the_file_whether_it_refuses_or_drops(limit: int) -> None:
    for loses in (False, True):

        def service(request: Request, loses: bool = loses) -> Answer | int:
            sent = count("files", request)
            return REFUSED if sent > limit and not loses else min(sent, limit)

        wall = one_wall(shaped(service, files))
        assert (wall.kind, wall.unit, wall.value, wall.last_passing) == ("files", "files", limit, limit)
        assert (wall.refusal.how == "lost") == loses


def test_a_known_limit_on_all_parts_is_told_as_that_though_files_grow() -> None:
    text = b"<p>The data value transmitted exceeds the capacity limit.</p>"
    page = Answer(413, "Request Entity Too Large", body=text, body_length=len(text), complete=True)
    wall = one_wall(shaped(lambda request: page if count("parts", request) > 1000 else 1000, files))
    assert (wall.kind, wall.value, wall.users and wall.users.last_passing) == ("parts", 1000, 999)


@pytest.mark.parametrize("limit", [900, 2345, 6400])
def test_a_limit_on_one_file_s_bytes_is_told_from_one_on_the_whole_form(limit: int) -> None:
    lost = one_wall(
        shaped(lambda request: 0 if count("upload", request) > limit else arrived(request), upload)
    )
    assert (lost.kind, lost.unit, lost.refusal.how) == ("upload", "part", "lost")
    assert lost.value == count("upload", Shaped(arrived, upload).request(0, lost.last_passing)) <= limit
    assert count("upload", Shaped(arrived, upload).request(0, lost.first_failing)) > limit
    whole = one_wall(
        shaped(lambda request: REFUSED if count("body", request) > limit else arrived(request), upload)
    )
    assert (whole.kind, whole.unit, whole.value) == ("body", "body", limit)


def arrived(request: Request) -> int:
    """How many lines the file holds: what a whole delivery is."""
    return next(part.content.count(b"\n") + 1 for part in parts(request) if part.file)


@pytest.mark.parametrize("limit", [5, 32, 64, 512])
def test_levels_of_nesting_are_counted_where_they_grow(limit: int) -> None:
    wall = one_wall(shaped(lambda request: REFUSED if depth(request) > limit else depth(request), nested))
    assert (wall.kind, wall.unit, wall.value) == ("nesting", "nesting", limit)


def test_a_body_in_chunks_of_which_nothing_arrives_is_lost_from_the_first_user_on() -> None:
    wall = one_wall(shaped(lambda request: 0 if request.chunked() else 1, in_chunks))
    assert (wall.refusal.how, wall.last_passing, wall.first_failing, wall.lost_at) == ("lost", 0, 1, 0)


def test_fields_of_a_form_in_chunks_are_counted_as_in_any_other() -> None:
    wall = one_wall(
        shaped(lambda request: REFUSED if shape_fields(request) > 321 else shape_fields(request), in_chunks)
    )
    assert (wall.kind, wall.value) == ("fields", 321)


def test_what_could_not_be_counted_is_said() -> None:
    hand = Fake(lambda request: 0, {})
    for users in (USUAL, LARGEST):
        hand.known[users] = Delivery(
            sent=users, items_sum="", arrived=None, answer=TAKEN, why_not="it stops at an item"
        )
    seen = list(study(hand, Case("by form", [], USUAL, LARGEST, Budget, lambda seconds: None)))
    (unseen,) = (one for one in seen if isinstance(one, NotChecked))
    assert "stops at an item" in unseen.why
