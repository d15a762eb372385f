"""Real triggers on nginx -> gunicorn -> Django: users, both edges, security told from size, and silent loss."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator

import pytest

from harness.checks.walls import Reading, findings
from harness.drive.wire import ask
from harness.model.answer import Answer
from harness.model.finding import Finding
from harness.model.request import Header, Request
from harness.model.walls import Delivery, Wall
from harness.probes.walls.delivery import Shipment, find_delivery_wall
from harness.probes.walls.hops import Hop
from harness.probes.walls.look import Target, look
from harness.probes.walls.security import Experiments, classify
from harness.probes.walls.users import confirm, in_users
from tests.walls import stand
from tests.walls.matrix import asking, counted

pytestmark = [pytest.mark.servers, pytest.mark.timeout(120)]
GUARDED = stand.Server("nginx", stand.gateway("nginx-guarded.conf", "nginx", "-c"), program="nginx")
FORM = ("Content-Type", "application/x-www-form-urlencoded")


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[int]]:
    stand.need(GUARDED, stand.DJANGO)
    with stand.chain([GUARDED, stand.DJANGO], tmp_path_factory.mktemp("guarded")) as ports:
        yield ports


def ids(n: int) -> list[str]:
    return [str(1_000_000 + index) for index in range(n)]


def send(port: int, request: Request) -> Answer:
    return ask(("127.0.0.1", port), request.wire(), timeout=20)


def by_url(port: int, users: int, path: str = "/count") -> Request:
    query = "&".join(f"id={user}" for user in ids(users))
    return Request("GET", f"{path}?{query}", (("Host", f"127.0.0.1:{port}"), ("Cookie", "session=abc")))


def by_form(port: int, users: int, headers: tuple[Header, ...], token: str = "") -> Request:
    body = "&".join([f"csrfmiddlewaretoken={token}"] * bool(token) + [f"id={user}" for user in ids(users)])
    return Request("POST", "/guarded", (("Host", f"127.0.0.1:{port}"), FORM, *headers), body.encode())


def session(port: int) -> tuple[tuple[Header, ...], str]:
    """The cookie and the token, as a browser has them after the page."""
    page = send(port, Request("GET", "/guarded", (("Host", f"127.0.0.1:{port}"),)))
    cookie = re.search(r"csrftoken=(\w+)", page.header("set-cookie"))
    assert cookie is not None
    return (("Cookie", f"csrftoken={cookie[1]}"),), page.text


def test_the_edge_is_exact_in_users_and_confirmed_with_the_real_trigger(ports: list[int]) -> None:
    front = ports[0]
    hops = [Hop("gate", ask=asking(front)), Hop("batch", ask=asking(ports[1]))]
    sizes = tuple(len(by_url(front, users).line()) for users in (400 // 2, 4000))
    target = Target(
        "batch", asking(front), f"127.0.0.1:{front}", hops, {"line": sizes}, (("Cookie", "session=abc"),)
    )  # type: ignore[dict-item]
    (wall,) = look(target)
    assert isinstance(wall, Wall)

    def press(users: int) -> bool | None:
        answer = send(front, by_url(front, users))
        return counted(ids(users), answer).intact if answer.status == 200 else False

    users = confirm(in_users(wall, lambda n: by_url(front, n).wire(), 4000), press)
    assert users.confirmed is True
    assert users.last_passing == (4094 - len("GET /count? HTTP/1.1") + 1) // len("id=1000000&")
    assert (wall.where.hop, wall.where.sure) == ("batch", "confirmed")
    assert wall.farther == ["nginx"]


def experiments(make: Callable[[int], Request], port: int, *, full: int, **more: object) -> Experiments:
    def attempt(users: int) -> Callable[[], Answer]:
        return lambda: send(port, make(users))

    return Experiments(full=attempt(full), one=attempt(1), half=attempt(full // 2), **more)  # type: ignore[arg-type]


def test_a_form_without_its_token_is_csrf_and_not_size(ports: list[int]) -> None:
    told = classify(
        "batch", "by form", 400, experiments(lambda n: by_form(ports[0], n, ()), ports[0], full=400)
    )
    assert (told.meaning, told.software) == ("csrf", "Django")
    (finding,) = findings([told], Reading(argv=["rehearse"], seed=1, triggers=["by form"]))
    assert isinstance(finding, Finding)
    assert finding.code == "SEC-003"


def test_too_many_fields_hide_the_token_and_are_told_as_size(ports: list[int]) -> None:
    headers, token = session(ports[0])
    make = lambda n: by_form(ports[0], n, headers, token)  # noqa: E731
    assert classify("batch", "by form", 1600, experiments(make, ports[0], full=1600)).meaning == "size"


def test_a_rate_limit_that_looks_like_an_outage_is_told_by_a_pause(ports: list[int]) -> None:
    make = lambda n: by_url(ports[0], n, "/limited")  # noqa: E731
    send(ports[0], make(1))
    trial = experiments(make, ports[0], full=20, pause=lambda: time.sleep(1.2))
    told = classify("batch", "by URL", 20, trial)
    assert told.refusal.status == 503
    assert told.meaning == "rate"


def test_a_rule_on_content_is_told_by_neutral_letters(ports: list[int]) -> None:
    def noted(note: str) -> Callable[[], Answer]:
        request = by_url(ports[0], 20)
        return lambda: send(ports[0], Request("GET", f"{request.target}&note={note}", request.headers))

    trial = Experiments(
        full=noted("O%27Brien"), one=noted("x"), half=noted("O%27Brien"), neutral=noted("OxxxBrien")
    )
    assert classify("batch", "by URL", 20, trial).meaning == "waf"


def test_a_chunked_body_reads_as_empty_under_gunicorn_and_is_critical(ports: list[int]) -> None:
    inner = ports[1]

    def deliver(n: int, pad: int) -> Delivery:
        form = "&".join(f"id={user}" for user in ids(n)).encode()
        chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(form), form)
        headers = (("Host", f"127.0.0.1:{inner}"), FORM, ("Transfer-Encoding", "chunked"))
        return counted(ids(n), send(inner, Request("POST", "/count", headers, chunked)))

    wall = find_delivery_wall(Shipment("batch", "fields", deliver, lambda n, pad: 11 * n, 40, 400))
    assert isinstance(wall, Wall)
    (finding,) = findings([wall], Reading(argv=["rehearse"], seed=1, triggers=["by form"]))
    assert isinstance(finding, Finding)
    assert (finding.code, finding.severity) == ("LOST-013", "critical")
