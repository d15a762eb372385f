"""A whole rehearsal of services that turn away, lose in silence, or misbehave: what is said, and that it ends."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.certificates import self_signed
from tests.conftest import ROOT, Rehearse
from tests.walls import stand

GATE = '''
from harness import Effect, Outcome, Process, Progress, Scenario, Service, trigger


class Gate(Scenario):
    """A batch behind a gate."""

    usual, scales, begins, quiet = 8, (1,), "1s", "1s"
    batch = Service(
        port=8000,
        ready="/health",
        process=Process(command="python tests/toy/gate.py {port} MODE"),
    )

    @trigger("form with a field per user")
    def by_form(self, live, users):
        live.batch.timeout = 1.5
        note = [("note", "O'Brien")] if len(users) > 3 else []
        return live.batch.post("/run", data=[("id", user.id) for user in users] + note)

    def outcomes(self, live):
        return [Outcome(item, "ok") for item in live.batch.get("/items").expect().json()]

    def effects(self, live):
        return [Effect(item) for item in live.batch.get("/items").expect().json()]

    def progress(self, live):
        return Progress(len(live.batch.get("/items").expect().json()), 0, False)
'''


def rehearsed(rehearse: Rehearse, path: Path, mode: str) -> tuple[int, dict]:
    path.write_text(GATE.replace("MODE", mode))
    return run_gate(rehearse, path)


def run_gate(rehearse: Rehearse, path: Path) -> tuple[int, dict]:
    run = rehearse("run", path, "--stage", "process", "--probes", "edges", "--json", timeout=100)
    assert run.stdout, run.stderr
    return run.returncode, json.loads(run.stdout)


@pytest.fixture
def variant(request: pytest.FixtureRequest) -> Path:
    path = ROOT / "tests" / "toy" / f"gate_{abs(hash(request.node.name))}_{os.getpid()}.py"
    request.addfinalizer(lambda: path.unlink(missing_ok=True))
    return path


@pytest.mark.parametrize(
    ("mode", "code"),
    [
        ("csrf", "SEC-003"),
        ("origin", "SEC-004"),
        ("login", "SEC-005"),
        ("login-page", "SEC-005"),
        ("waf", "SEC-006"),
        ("rate", "SEC-007"),
        ("wordless", "SEC-002"),
    ],
)
def test_a_guard_is_told_by_experiments_and_not_taken_for_a_limit(
    rehearse: Rehearse, variant: Path, mode: str, code: str
) -> None:
    exit_code, report = rehearsed(rehearse, variant, mode)
    (finding,) = (found for found in report["findings"] if found["code"] != "ITEM-006")
    assert (exit_code, finding["code"], finding["severity"]) == (1, code, "critical"), report
    assert [one["kind"] for one in finding["evidence"]].count("experiment") >= 2


@pytest.mark.parametrize(
    ("mode", "why"),
    [
        ("redirect", "redirected"),
        ("drip", "no complete answer"),
        (
            "gigabyte",
            "was not read to its end|no complete answer",
        ),  # a busy machine reads too slowly for the first
        ("garbage", "no HTTP came back"),
        ("close", "closed without an answer"),
        ("gone", "refused"),
    ],
)
def test_a_service_that_misbehaves_is_not_checked_with_the_reason(
    rehearse: Rehearse, variant: Path, mode: str, why: str
) -> None:
    exit_code, report = rehearsed(rehearse, variant, mode)
    assert exit_code not in (0, 1), report
    assert report["verdict"] == "inconclusive"
    said = " ".join(unseen["why"] for unseen in report["not_checked"])
    assert any(reason in said for reason in why.split("|")), said


def over_tls(variant: Path, certificate: Path, authorities: str) -> None:
    """The gate behind TLS: its certificate, and whom the scenario believes."""
    more = f'env={{"GATE_CERTIFICATE": "{certificate}"}}, tls="{authorities}",'
    variant.write_text(GATE.replace("port=8000,", f"port=8000, {more}").replace("MODE", "csrf"))


def test_a_service_over_tls_is_rehearsed_as_any_other(
    rehearse: Rehearse, variant: Path, tmp_path: Path
) -> None:
    certificate = self_signed(tmp_path)
    over_tls(variant, certificate, str(certificate))
    exit_code, report = run_gate(rehearse, variant)
    assert (exit_code, "SEC-003" in {found["code"] for found in report["findings"]}) == (1, True), report


def test_a_certificate_that_nobody_vouches_for_leaves_the_walls_unseen(
    rehearse: Rehearse, variant: Path, tmp_path: Path
) -> None:
    over_tls(variant, self_signed(tmp_path), "system")
    exit_code, report = run_gate(rehearse, variant)
    assert (exit_code, report["verdict"]) == (3, "inconclusive"), report
    assert "TLS error: self-signed certificate" in " ".join(one["why"] for one in report["not_checked"])


def walls_of(rehearse: Rehearse, scenario: str) -> dict[tuple[str, str], dict]:
    run = rehearse(
        "run", f"scenarios/{scenario}.py", "--stage", "process", "--probes", "edges", "--json", timeout=200
    )
    assert run.returncode == 1, run.stderr
    return {(found["code"], found["trigger"]): found for found in json.loads(run.stdout)["findings"]}


@pytest.mark.servers
@pytest.mark.timeout(240)
def test_another_chain_of_servers_shows_its_own_walls_and_which_hop_they_stand_at(rehearse: Rehearse) -> None:
    stand.need(stand.NGINX, stand.H11)
    found = walls_of(rehearse, "payroll_gateway")
    url, form = found["URL-001", "ids in the URL"], found["FORM-001", "form with a field per person"]
    assert set(found) == {("URL-001", "ids in the URL"), ("FORM-001", "form with a field per person")}
    assert (url["severity"], url["hop"], url["breaks_at"]["value"]) == ("critical", "nginx", 8190)
    assert (form["severity"], form["breaks_at"]["last_passing"]) == ("medium", 1000)
    assert {evidence["kind"] for evidence in url["evidence"]} >= {"log", "catalogue", "response", "request"}
    assert "'JSON list' carried 1,500 users" in url["advice"]
    assert "1,000 fields next at 1,001 users: 'form with a field per person' was tried" in url["advice"]
    assert "nginx's 1,048,576 bytes of body next, as they are known" in form["advice"]


GATES = {
    "nginx-tls": (stand.NGINX, "URL-001", 8190, "nginx"),
    "apache": (stand.APACHE, "URL-001", 8191, "Apache httpd"),
    "haproxy": (stand.HAPROXY, "HDR-002", None, "HAProxy"),
    "envoy": (stand.ENVOY, "HDR-002", 61_440, "Envoy"),
}


@pytest.mark.servers
@pytest.mark.timeout(240)
@pytest.mark.skipif("FULL" not in os.environ, reason="the full matrix: make servers")
@pytest.mark.parametrize("gate", GATES)
def test_each_sample_gateway_stands_in_front_of_a_service_and_its_own_wall_is_found_in_users(
    rehearse: Rehearse, variant: Path, gate: str
) -> None:
    server, code, limit, hop = GATES[gate]
    stand.need(server, stand.H11)
    text = (ROOT / "scenarios/payroll_gateway.py").read_text().replace("start.sh nginx ", f"start.sh {gate} ")
    text = text.replace("usual, scales = 300, (1, 2, 5)", "usual, scales = 1500, (1, 5)")
    tls = '        tls="unchecked",\n' if gate == "nginx-tls" else ""
    variant.write_text(text.replace("        fronts=payroll,\n", f"        fronts=payroll,\n{tls}"))
    _, report = run_gate(rehearse, variant)
    found = {(one["code"], one["trigger"]): one for one in report["findings"]}
    url = found[code, "ids in the URL"]
    assert (url["hop"], url["breaks_at"]["method"].endswith("on both sides")) == (hop, True), url
    assert limit in (None, url["breaks_at"]["value"])
    assert found["FORM-001", "form with a field per person"]["breaks_at"]["last_passing"] == 1000


@pytest.mark.servers
@pytest.mark.timeout(240)
def test_what_php_drops_behind_a_success_is_critical_and_found_to_the_item(rehearse: Rehearse) -> None:
    stand.need(stand.PHP)
    found = walls_of(rehearse, "newsletter_php")
    lost = found["LOST-010", "ids in the URL"]
    files = found["LOST-010", "a letter for each"]
    assert set(found) == {("LOST-010", "ids in the URL"), ("LOST-010", "a letter for each")}
    assert (files["severity"], files["config_key"]) == ("critical", "max_file_uploads")
    assert (files["breaks_at"]["last_passing"], files["breaks_at"]["unit"]) == (20, "files")
    assert (lost["severity"], lost["hop"], lost["config_key"]) == ("critical", "PHP", "max_input_vars")
    assert (lost["breaks_at"]["last_passing"], lost["breaks_at"]["first_failing"]) == (1000, 1001)
    assert "1,001 distinct items sent, 1,000 arrived" in " ".join(one["text"] for one in lost["evidence"])
    assert "'JSON list' carried 2,000 users" in lost["advice"]


CHUNKS = '''
from harness import Outcome, Process, Progress, Scenario, Service, trigger


class Chunks(Scenario):
    """A batch that is handed its users in chunks without a length."""

    usual, scales = 2, (1,)
    batch = Service(
        port=8000,
        ready="/items",
        process=Process(command="python -m gunicorn -b 127.0.0.1:{port} unread:app", cwd="tests/toy"),
    )

    @trigger("a form")
    def whole(self, live, users):
        return live.batch.post("/run", data=[("id", user.id) for user in users])

    @trigger("a form in chunks")
    def in_chunks(self, live, users):
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return live.batch.post("/run", data=(f"id={user.id}&".encode() for user in users), headers=kind)

    def outcomes(self, live):
        return [Outcome(item, "ok") for item in live.batch.get("/items").expect().json()]

    def progress(self, live):
        return Progress(len(live.batch.get("/items").expect().json()), 0, False)
'''


def test_a_body_in_chunks_that_wsgi_does_not_read_is_critical_from_the_first_user_on(
    rehearse: Rehearse, variant: Path
) -> None:
    variant.write_text(CHUNKS)
    exit_code, report = run_gate(rehearse, variant)
    lost = next(found for found in report["findings"] if found["code"] == "LOST-013")
    assert (exit_code, lost["severity"], lost["breaks_at"]["first_failing"]) == (1, "critical", 1)
    assert "Content-Length" in lost["config_key"]


WAYS = '''
from harness import Outcome, Process, Progress, Scenario, Service, trigger


class Ways(Scenario):
    """Two unusual ways to hand over people: a slip of paper for each, and a chain in which each names the next."""

    usual, scales = 40, (1, 50)
    payroll = Service(
        port=8000,
        ready="/items",
        process=Process(
            command="python -m uvicorn payroll:app --host 127.0.0.1 --port {port} --log-level warning",
            cwd="fixtures/batches",
        ),
    )

    @trigger("a slip for each")
    def by_files(self, live, users):
        return live.payroll.post("/run", parts=[("slip", (user.id, "pay")) for user in users])

    @trigger("a chain")
    def by_chain(self, live, users):
        links = [f'{{"id": "{user.id}", "next": ' for user in users]
        text = "".join(links) + "null" + "}" * len(users)
        return live.payroll.post("/run", data=text.encode(), headers={"Content-Type": "application/json"})

    def outcomes(self, live):
        return [Outcome(item, said) for item, said in live.payroll.get("/items", whole=True).expect().json()]

    def progress(self, live):
        return Progress(len(live.payroll.get("/items", whole=True).expect().json()), 0, False)
'''


@pytest.mark.servers
@pytest.mark.timeout(240)
def test_files_and_levels_of_nesting_are_counted_by_pressing_the_real_trigger(
    rehearse: Rehearse, variant: Path
) -> None:
    stand.need(stand.H11)
    variant.write_text(WAYS)
    _, report = run_gate(rehearse, variant)
    found = {(one["code"], one["trigger"]): one for one in report["findings"]}
    files, chain = found["FORM-004", "a slip for each"], found["FORM-003", "a chain"]
    assert (files["breaks_at"]["last_passing"], files["breaks_at"]["first_failing"]) == (100, 101)
    assert chain["breaks_at"]["unit"] == "levels"
    assert 500 < chain["breaks_at"]["last_passing"] == chain["breaks_at"]["value"] < 2000
