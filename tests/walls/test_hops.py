"""Which hop refused: each witness alone, and what wins where they differ."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.answer import Answer
from harness.model.request import Request
from harness.model.walls import Attribution, Refusal, Wall
from harness.probes.walls.asking import Baseline
from harness.probes.walls.hops import Attributing, Hop
from harness.probes.walls.logs import joined
from harness.probes.walls.users import confirm, in_users

APP = Baseline(404, frozenset({"server", "content-type", "x-frame-options"}), "text/html")
NGINX_PAGE = "<center><h1>414 Request-URI Too Large</h1></center>\r\n<hr><center>nginx/1.22.1</center>"
FOUND = Answer(404, "Not Found", complete=True)
REFUSED = Answer(414, "URI Too Long", complete=True)


def wall(status: int | None = 414, body: str = "", fate: str = "kept", **more: object) -> Wall:
    headers = [("Server", "nginx"), *more.pop("headers", [])]  # type: ignore[misc]
    refusal = Refusal(how="status", status=status, headers=headers, body=body, fate=fate, port=40_001)
    shape = {"unit": "line", "value": 4094, "expected": False, "kind": "line", **more}
    return Wall(service="batch", last_passing=4094, first_failing=4095, refusal=refusal, **shape)  # type: ignore[arg-type]


def who(seen: Wall, *hops: Hop) -> Attribution:
    return Attributing(seen, b"GET /long HTTP/1.1\r\n\r\n", hops, APP).attribute()


FRONT, APPSERVER = Hop("gate", ("nginx",)), Hop("batch", ("gunicorn", "Django"))


def test_the_page_names_the_front() -> None:
    told = who(wall(body=NGINX_PAGE, fate="closed"), FRONT, APPSERVER)
    assert (told.hop, told.software, told.sure) == ("gate", "nginx", "likely")
    assert "large_client_header_buffers" in told.config_key


def test_a_page_relayed_from_behind_names_the_server_there() -> None:
    told = who(wall(body="Request Line is too large (4200 &gt; 4094)"), FRONT, APPSERVER)
    assert (told.hop, told.software) == ("batch", "gunicorn")
    assert "limit-request-line" in told.config_key


def test_the_applications_own_headers_mean_that_it_refused_itself() -> None:
    seen = wall(
        400,
        "<title>Bad Request (400)</title>",
        kind="fields",
        headers=[("X-Frame-Options", "DENY"), ("Content-Type", "x")],
    )
    told = who(seen, FRONT, APPSERVER)
    assert (told.hop, told.software, told.config_key) == ("batch", "Django", "DATA_UPLOAD_MAX_NUMBER_FIELDS")


def test_a_custom_page_is_attributed_by_the_connection() -> None:
    assert who(wall(body="Sorry!", fate="closed"), FRONT, APPSERVER).hop == "gate"
    assert who(wall(body="Sorry!", fate="kept"), FRONT, APPSERVER).hop == "batch"


def test_the_same_bytes_refused_behind_confirm_it() -> None:
    behind = Hop("batch", ("gunicorn",), lambda request, segment: REFUSED)
    told = who(wall(body="Sorry!", fate="closed"), FRONT, behind)
    assert (told.hop, told.sure) == ("batch", "confirmed")
    assert "the same bytes sent to batch alone" in told.evidence[-1].text


def test_the_same_bytes_taken_behind_leave_the_front() -> None:
    behind = Hop("batch", ("gunicorn",), lambda request, segment: FOUND)
    assert who(wall(body=NGINX_PAGE, fate="closed"), FRONT, behind).sure == "confirmed"


def test_the_access_log_outweighs_bytes_that_are_taken_behind_since_a_proxy_adds_headers() -> None:
    gate = Hop("gate", ("nginx",), None, lambda: "port=40001 time=1.0 status=431 up=431 len=800\n")
    behind = Hop("batch", ("gunicorn",), lambda request, segment: FOUND)
    told = who(
        wall(431, "limit request headers fields", kind="headers", unit="headers", value=99), gate, behind
    )
    assert (told.hop, told.sure, told.config_key) == ("batch", "confirmed", "--limit-request-fields")


def test_nobody_recognised_and_nobody_reachable_is_unknown() -> None:
    told = who(wall(None, fate="reset"), Hop("gate"), Hop("middle"), Hop("batch"))
    assert (told.hop, told.software, told.sure) == ("", "", "unknown")


@pytest.mark.parametrize(
    ("line", "side"),
    [
        ("port=40001 time=1.5 status=414 up=- len=0", "here"),
        ("port=40001 time=1.5 status=414 up=414 len=800", "behind"),
        (
            "127.0.0.1:40001 [23/Nov/2026:17:00] front front/<NOSRV> -1/-1/-1/-1/0 400 0 - - PR-- 1/1 0/0 x",
            "here",
        ),
        (
            "127.0.0.1:40001 [23/Nov/2026:17:00] front app/app1 0/0/1/2/3 414 187 - - ---- 1/1/0/0/0 0/0 x",
            "behind",
        ),
        ("127.0.0.1:40001 closed", "unknown"),
    ],
)
def test_log_lines_are_joined_by_our_port(line: str, side: str) -> None:
    log = f"port=40000 status=200 up=200\n{line}\nport=4000 up=1\nport=400012 up=2\n"
    told = joined(log, 40_001)
    assert told is not None
    assert (told.text, told.side) == (line, side)


def test_a_log_without_our_port_is_no_witness() -> None:
    assert joined("port=1 up=-\n", 40_001) is None


FORWARDED = "2026-11-23T18:10:{second}+00:00 172.17.0.1:50000 status={status} upstream={up} length=9000\n"


def test_behind_a_forwarder_that_changes_ports_lines_are_joined_by_status_and_time() -> None:
    at = datetime(2026, 11, 23, 18, 10, 20, tzinfo=UTC).timestamp() + 0.7
    ours = FORWARDED.format(second=20, status=414, up="-")
    others = FORWARDED.format(second=20, status=200, up=200) + FORWARDED.format(second=50, status=414, up=414)
    told = joined(ours + others, 40_001, at, 414)
    assert told is not None and told.side == "here"
    assert joined(others, 40_001, at, 414) is None
    unclear = ours + FORWARDED.format(second=21, status=414, up=414)
    assert joined(unclear, 40_001, at, 414) is None


def build(users: int) -> bytes:
    ids = "%2C".join(str(1_000_000 + index) for index in range(users))
    return Request("GET", f"/run?ids={ids}", (("Host", "batch"),)).wire()


@given(st.integers(30, 60_000))
def test_bytes_become_users_through_the_real_request(limit: int) -> None:
    users = in_users(wall(unit="line", value=limit), build, 4000)
    last = users.last_passing
    if last is None:
        assert len(build(1).split(b"\r\n")[0]) > limit
    else:
        assert len(build(last).split(b"\r\n")[0]) <= limit
        assert users.first_failing is None or len(build(last + 1).split(b"\r\n")[0]) > limit


def test_percent_encoding_is_counted() -> None:
    assert in_users(wall(unit="line", value=4094), build, 4000).last_passing == 407


def test_pressing_on_both_sides_confirms_or_tells() -> None:
    users = in_users(wall(unit="line", value=4094), build, 4000)
    assert confirm(users, lambda n: n <= 407).confirmed is True
    assert confirm(users, lambda n: False).confirmed is False
    assert "407 users did not" in confirm(users, lambda n: False).note
    assert confirm(users, lambda n: None).confirmed is None
