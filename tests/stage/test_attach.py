"""The attach stage's refusals: which places may be named, which addresses may be connected to, and the fence."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from harness.errors import EnvironmentProblem, Refused
from harness.model.attached import Attached, Conduct, LogQuery, Prometheus
from harness.model.scenario import Scenario
from harness.model.service import Service
from harness.model.stage import Logged
from harness.stage.attach import survey
from harness.stage.attach.fence import Fence, fenced
from harness.stage.attach.pinning import Pins, no_proxies
from harness.stage.attach.places import check_list, production_like, wanted
from harness.stage.attach.sources import CommandLog, FileLog, series_of

ALLOW = ("staging.example.test", "127.0.0.1")


def answer(*addresses: str, name: str = "") -> list[Any]:
    """What getaddrinfo would say."""
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, name, (address, 80)) for address in addresses]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize("host", [
    "prod.example.test", "www.example.test", "www2.example.test", "live.example.test", "batch-prod.example.test",
    "api.production.example.test", "eu1prod.example.test", "PROD.example.test", "batch_prd.example.test",
    "example.live", "prodeu.example.test", "prod-eu.example.test", "prod1",
])  # fmt: skip
def test_a_name_that_looks_like_production_is_refused_though_it_is_allowed(host: str) -> None:
    with pytest.raises(Refused, match="looks like production"):
        wanted(f"http://{host}:8000", (host.lower(),), "the url")
    with pytest.raises(Refused, match="looks like production"):
        check_list((host,))


@pytest.mark.parametrize("host", [
    "staging.example.test", "preprod.example.test", "non-prod.example.test", "pre-prod.example.test",
    "products.example.test", "delivery.example.test", "olive.example.test", "nonprod-eu.example.test", "localhost",
])  # fmt: skip
def test_other_names_are_not(host: str) -> None:
    assert production_like(host) == ""
    assert wanted(f"http://{host}:8000", (host,), "the url").host == host


@pytest.mark.parametrize("url", [
    "http://staging.example.test@evil.test/", "http://evil.test@staging.example.test", "http://evil.test",
    "http://[::1]:80", "http://[::ffff:127.0.0.1]", "http://2130706433", "http://0x7f.0.0.1", "http://0177.0.0.1",
    "http://127.1", "http://127.0.0.1.", "http://127.0.0.01", "http://staging.example.test.evil.test",
    "http://staging.example.test:80:90", "http://staging.example.test:x", "http://staging.example.test:0",
    "http://staging.example.test:99999", "ftp://staging.example.test", "//staging.example.test", "",
    "http://staging.example.test\\@evil.test", "http://staging.example.test\t.evil.test", "http://",
    "http://st\u0430ging.example.test", "http://staging%2eexample.test", "http://staging.example.test#@evil.test",
    "http://127.0.0.1:80@evil.test", "http://*.example.test", "http://0", "http://0x7f000001", "file:///etc/passwd",
])  # fmt: skip
def test_an_odd_address_is_refused_by_its_text_alone(url: str) -> None:
    allow = (*ALLOW, "2130706433", "0x7f.0.0.1", "0177.0.0.1", "127.1", "0")
    if url == "http://127.0.0.1.":
        assert wanted(url, allow, "the url").host == "127.0.0.1"  # a dot at the end names the same host
        return
    with pytest.raises(Refused):
        wanted(url, allow, "the url")


@pytest.mark.parametrize(
    "entry", ["*", "*.example.test", "http://staging.example.test", "10.0.0.0/8", "a b", ""]
)
def test_a_list_allows_hosts_and_no_patterns(entry: str) -> None:
    with pytest.raises(Refused):
        check_list((entry,))


def test_an_entry_may_name_the_port() -> None:
    assert wanted("http://staging.example.test:81", ("Staging.example.test:81",), "the url").port == 81
    with pytest.raises(Refused, match="not allowed"):
        wanted("http://staging.example.test:82", ("staging.example.test:81",), "the url")


@pytest.mark.parametrize("address", [
    "93.184.216.34", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "169.254.169.254", "fd00:ec2::254", "0.0.0.0",
    "224.0.0.1", "fe80::1%eth0", "192.0.2.1", "::", "2002:7f00:1::", "64:ff9b::7f00:1",
])  # fmt: skip
def test_an_address_that_is_not_private_is_refused_also_beside_one_that_is(address: str) -> None:
    place = wanted("http://staging.example.test", ALLOW, "the url")
    for answers in ((address,), ("10.0.0.1", address)):
        with pytest.raises(Refused, match="leads to"):
            Pins(lambda *_, answers=answers, **__: answer(*answers)).pin(place)


def test_a_name_behind_a_name_may_not_look_like_production_either() -> None:
    place = wanted("http://staging.example.test", ALLOW, "the url")
    with pytest.raises(Refused, match=r"another name of lb\.prod"):
        Pins(lambda *_, **__: answer("10.0.0.1", name="lb.prod.example.test")).pin(place)


def test_a_name_is_asked_for_once_so_that_a_later_answer_changes_nothing() -> None:
    asked: list[str] = []

    def rebinding(host: str, *_: object, **__: object) -> list[Any]:
        asked.append(host)
        return answer("10.0.0.1" if len(asked) == 1 else "8.8.8.8")

    pins = Pins(rebinding)
    places = [pins.pin(wanted(f"http://staging.example.test:{port}", ALLOW, "the url")) for port in (80, 81)]
    assert [place.address for place in places] == ["10.0.0.1", "10.0.0.1"] and asked == [
        "staging.example.test"
    ]


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"])
def test_a_proxy_in_the_environment_is_refused_unless_it_is_bypassed(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "http://proxy.test:3128")
    with pytest.raises(Refused, match=name):
        no_proxies(["staging.example.test"])
    monkeypatch.setenv("NO_PROXY", ".example.test")
    no_proxies(["staging.example.test"])


def site_of(monkeypatch: pytest.MonkeyPatch, *attached: Attached, allow: tuple[str, ...] = ALLOW) -> Any:
    class Staging(Scenario):
        """A scenario of services that run."""

    Staging.allow = allow
    for number, one in enumerate(attached):
        setattr(Staging, f"s{number}", Service(port=80, attach=one, name=f"s{number}"))
    return survey(Staging(), lambda *_, **__: answer("10.0.0.1"))


def test_pages_of_memory_and_logs_must_be_allowed_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    here = "http://staging.example.test:8000"
    site = site_of(monkeypatch, Attached(url=here, memory=Prometheus(), logs=LogQuery(url="/logs?x=1")))
    assert {what: page.wanted.path for what, page in site.pages.items()} == {
        "memory of s0": "/metrics",
        "logs of s0": "/logs?x=1",
    }
    for page in ("http://metrics.test/metrics", "//metrics.test/metrics", "/\\metrics.test"):
        with pytest.raises(Refused):
            site_of(monkeypatch, Attached(url=here, memory=Prometheus(url=page)))


def test_a_scenario_without_attached_services_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EnvironmentProblem, match="already runs"):
        site_of(monkeypatch)


@pytest.fixture
def listener() -> Iterator[tuple[int, list[Any]]]:
    """A port on loopback, and whoever connected to it."""
    seen: list[Any] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)

        def take() -> None:
            while True:
                try:
                    seen.append(server.accept()[1])
                except OSError:
                    return

        threading.Thread(target=take, daemon=True).start()
        yield server.getsockname()[1], seen


def test_the_fence_stops_what_is_not_pinned_before_it_is_sent(listener: tuple[int, list[Any]]) -> None:
    port, seen = listener
    with pytest.raises(Refused, match=r"127\.0\.0\.1"), fenced(Fence({"10.0.0.1"}, {"staging.example.test"})):
        with pytest.raises(Refused):
            socket.create_connection(("127.0.0.1", port), timeout=2)
        with pytest.raises(Refused), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.sendto(b"x", ("127.0.0.1", port))
    assert seen == []
    socket.create_connection(("127.0.0.1", port), timeout=2).close()  # it has come down


def test_what_the_scenarios_code_swallows_is_told_at_the_end(listener: tuple[int, list[Any]]) -> None:
    port, _ = listener
    careless = suppress(Exception)
    with pytest.raises(Refused, match="tried to reach"), fenced(Fence({"10.0.0.1"}, ())), careless:
        socket.create_connection(("127.0.0.1", port), timeout=2)


def test_the_fence_lets_pinned_places_pass_and_asks_for_no_other_name(
    listener: tuple[int, list[Any]],
) -> None:
    port, _ = listener
    with fenced(Fence({"127.0.0.1"}, {"localhost"})):
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
        socket.getaddrinfo("localhost", port)
    with pytest.raises(Refused, match=r"elsewhere\.test"), fenced(Fence({"127.0.0.1"}, {"localhost"})):
        socket.getaddrinfo("elsewhere.test", 80)


CONDUCT = Conduct(
    "staging.example.test", 8000, "http", ("other.example.test",), side_effects=False, reads=("POST /login",)
)


@pytest.mark.parametrize(
    "line", ["POST /run", "DELETE /items", "GET http://evil.test/", "GET //evil.test/", "POST /login/x"]
)
def test_what_may_change_something_or_names_another_host_is_not_sent(line: str) -> None:
    with pytest.raises(Refused):
        CONDUCT.check(f"{line} HTTP/1.1\r\nHost: x\r\n\r\n".encode())


@pytest.mark.parametrize("line", ["GET /items?x=1", "HEAD /", "POST /login", "POST /login?next=/"])
def test_what_only_reads_is_sent(line: str) -> None:
    CONDUCT.check(f"{line} HTTP/1.1\r\nHost: x\r\n\r\n".encode())


@pytest.mark.parametrize(
    ("location", "fine"),
    [("/login", True), ("http://staging.example.test:8000/x", True), ("http://other.example.test/", True), ("", True),
     ("http://evil.test/", False), ("//evil.test/", False), ("http://staging.example.test@evil.test/", False)],
)  # fmt: skip
def test_a_redirect_elsewhere_is_refused(location: str, fine: bool) -> None:
    if fine:
        CONDUCT.check_redirect(location)
        return
    with pytest.raises(Refused, match="redirects to"):
        CONDUCT.check_redirect(location)


def test_a_log_file_is_read_from_where_the_rehearsal_began(tmp_path: Any) -> None:
    path = tmp_path / "log"
    path.write_text("before\n")
    log = FileLog(path)
    path.write_text("before\nwithin\n")
    assert log.logs() == Logged(b"within\n", 7)
    path.write_text("new\n")
    assert log.logs() == Logged(b"new\n", 4)
    path.unlink()
    assert "cannot be read" in str(log.logs())


def test_a_log_command_is_run_by_no_shell_and_its_failure_is_told() -> None:
    told = CommandLog("printf '%s;' $(id) {since}", 5, "2026-01-01").logs()
    assert told == Logged(b"$(id);2026-01-01;", 17)
    assert "ended with 1" in str(CommandLog("false", 5, "").logs())
    assert "did not run" in str(CommandLog("sleep 9", 0.1, "").logs())


def test_a_series_is_a_name_or_a_name_with_labels() -> None:
    assert series_of("rss") == ("rss", {})
    assert series_of('rss{pod="batch-0", x="1"}') == ("rss", {"pod": "batch-0", "x": "1"})
