"""A rehearsal on services that already run: a toy that the test has started, with somebody else's items in it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from tests.certificates import self_signed
from tests.conftest import ROOT, Rehearse

FOREIGN = ["their-1", "their-2"]
SCENARIO = """
from harness import Attached, Effect, Outcome, Process, Progress, Scenario, Service, trigger
from harness.model.attached import LogFile, Prometheus


class Staging(Scenario):
    '''A toy on staging.'''

    usual, scales = 300, (1, 2)
    quiet = "0s"
    allow = ("127.0.0.1",)
    side_effects = {side_effects}
    batch = Service(
        port=8000, ready="/health", memory="256 MiB",
        process=Process(command="python batch.py {{port}}", cwd={toy!r}),
        attach=Attached(url="http://127.0.0.1:{port}", memory={memory}, logs=LogFile(path={log!r})),
    )

    @trigger("JSON list")
    def by_json(self, live, users):
        return live.batch.post("/run", json=[user.id for user in users])

    def outcomes(self, live):
        return [Outcome(item, said) for item, said in live.batch.get("/items").expect().json()]

    def effects(self, live):
        return [Effect(item) for item in live.batch.get("/ledger").expect().json()]

    def progress(self, live):
        return Progress(len(live.batch.get("/items").expect().json()), 0, False)
"""


@dataclass(frozen=True)
class Staging:
    """A toy that already runs, and scenarios about it."""

    port: int
    folder: Path

    def get(self, path: str) -> Any:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def scenario(self, *, side_effects: bool = True, memory: str = "Prometheus()") -> Path:
        path = self.folder / "staging.py"
        text = SCENARIO.format(
            side_effects=side_effects,
            memory=memory,
            port=self.port,
            log=str(self.folder / "log"),
            toy=str(ROOT / "tests/toy"),
        )
        path.write_text(text)
        return path


@pytest.fixture
def staging(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Staging]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    env = {**os.environ, **getattr(request, "param", {})}
    log = (tmp_path / "log").open("wb")
    command = [sys.executable, str(ROOT / "tests/toy/batch.py"), str(port)]
    toy = subprocess.Popen(command, cwd=tmp_path, env=env, stdout=log, stderr=log)
    found = Staging(port, tmp_path)
    try:
        for _ in range(100):
            try:
                found.get("/health")
                break
            except OSError:
                time.sleep(0.1)
        connection = HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("POST", "/run", json.dumps(FOREIGN))
        connection.getresponse().read()
        connection.close()
        yield found
    finally:
        toy.kill()
        toy.wait()
        log.close()


def test_a_batch_on_staging_is_rehearsed_once_among_others_items(
    rehearse: Rehearse, staging: Staging
) -> None:
    run = rehearse("run", staging.scenario(), "--stage", "attach", "--confirm", "127.0.0.1", "--json")
    report = json.loads(run.stdout)
    assert report["findings"] == [], run.stderr
    assert run.returncode in (0, 3) and report["scales"] == [1]
    unseen = {one["probe"]: one["why"] for one in report["not_checked"]}
    assert {"edges", "causes", "rerun", "lines", "checkpoints", "what ends", "phantoms"} <= unseen.keys()
    assert "memory of batch" not in unseen
    items = [item for item, _ in staging.get("/items")]
    latest = staging.folder / "reports/staging/latest"
    listed = rehearse("created", latest, "--ids").stdout.split()
    assert items == FOREIGN + listed and len(listed) == 300
    assert f"{listed[0]}\trehearsal-{listed[0]}" in rehearse("created", latest).stdout
    assert json.loads(rehearse("created", latest, "--json").stdout)["items"] == listed
    table = (latest / "tables/memory-1.jsonl").read_text()
    assert '"metrics"' in table
    again = rehearse("run", staging.scenario(), "--stage", "attach", "--confirm", "127.0.0.1", "--json")
    assert json.loads(again.stdout)["findings"] == []
    assert len(staging.get("/items")) == 602, "other users each time"


@pytest.mark.parametrize("staging", [{"TOY_PAY_TWICE": "10"}], indirect=True)
def test_what_goes_wrong_with_our_users_there_is_found(rehearse: Rehearse, staging: Staging) -> None:
    run = rehearse(
        "run", staging.scenario(memory="None"), "--stage", "attach", "--confirm", "127.0.0.1", "--json"
    )
    report = json.loads(run.stdout)
    assert run.returncode == 1 and [finding["code"] for finding in report["findings"]] == ["DUP-001"]
    unseen = [(one["probe"], one["why"]) for one in report["not_checked"]]
    assert ("memory of batch", "the scenario names no place where it is told") in unseen


def test_without_side_effects_it_is_only_looked_at(rehearse: Rehearse, staging: Staging) -> None:
    run = rehearse("run", staging.scenario(side_effects=False), "--stage", "attach", "--json")
    assert run.returncode == 3, run.stderr
    assert "the batch" in {one["probe"] for one in json.loads(run.stdout)["not_checked"]}
    assert [item for item, _ in staging.get("/items")] == FOREIGN


def test_a_dry_run_prints_every_request_and_sends_none(rehearse: Rehearse, staging: Staging) -> None:
    run = rehearse("run", staging.scenario(), "--stage", "attach", "--dry-run", "--seed", "1")
    assert run.returncode == 0, run.stderr
    for line in (
        "GET http://127.0.0.1:{}/health",
        "POST http://127.0.0.1:{}/run",
        "GET http://127.0.0.1:{}/ledger",
    ):
        assert line.format(staging.port) in run.stdout
    assert "none was sent" in run.stdout and "5751877" in run.stdout
    assert [item for item, _ in staging.get("/items")] == FOREIGN


def test_what_was_not_confirmed_or_is_too_much_is_refused(rehearse: Rehearse, staging: Staging) -> None:
    ask = ["run", staging.scenario(), "--stage", "attach"]
    for words, said in (
        ([], "--confirm 127.0.0.1"),
        (["--confirm", "localhost"], "--confirm names localhost"),
        (["--confirm", "127.0.0.1", "--scales", "2"], "600 users are asked for"),
        (["--confirm", "127.0.0.1", "--users", "301"], "301 users are asked for"),
    ):
        run = rehearse(*ask, *words)
        assert run.returncode == 6 and said in run.stderr, run.stderr
    assert [item for item, _ in staging.get("/items")] == FOREIGN
    assert not (staging.folder / "reports").exists()


def test_the_same_file_runs_as_processes(rehearse: Rehearse, staging: Staging) -> None:
    run = rehearse("run", staging.scenario(), "--stage", "process", "--scales", "1", "--probes", "none")
    assert run.returncode in (0, 3), run.stderr
    assert rehearse("created", staging.folder / "reports/staging/latest").stdout == ""
    assert [item for item, _ in staging.get("/items")] == FOREIGN


def test_over_https_a_certificate_is_judged_as_the_scenario_says(rehearse: Rehearse, tmp_path: Path) -> None:
    certificate = self_signed(tmp_path, "localhost")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    env = {**os.environ, "TOY_CERTIFICATE": str(certificate)}
    toy = subprocess.Popen([sys.executable, str(ROOT / "tests/toy/batch.py"), str(port)], env=env)
    scenario = Staging(port, tmp_path).scenario()
    text = scenario.read_text().replace("127.0.0.1", "localhost").replace("http://", "https://")
    words = ["run", scenario, "--stage", "attach", "--confirm", "localhost", "--json"]
    try:
        scenario.write_text(
            text.replace("memory=Prometheus()", f"tls={str(certificate)!r}, memory=Prometheus()")
        )
        run = rehearse(*words)
        assert run.returncode in (0, 3), run.stderr
        report = json.loads(run.stdout)
        assert (report["findings"], report["scales"]) == ([], [1])
        record = tmp_path / "reports/staging/latest"
        assert '"metrics"' in (record / "tables/memory-1.jsonl").read_text(), (
            "its memory page came over TLS as well"
        )
        scenario.write_text(text.replace("ready=", 'ready_within="3s", ready='))
        run = rehearse(*words)
        assert run.returncode == 5 and "certificate" in run.stderr, run.stderr
    finally:
        toy.kill()
        toy.wait()
