"""A whole rehearsal of services that turn away, lose in silence, or misbehave: what is said, and that it ends."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.conftest import ROOT, Rehearse

GATE = '''
from harness import Effect, Outcome, Process, Progress, Scenario, Service, trigger


class Gate(Scenario):
    """A batch behind a gate."""

    usual, scales = 8, (1, 2)
    batch = Service(
        port=8000, ready="/health", process=Process(command="python tests/toy/gate.py {port} MODE")
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
    run = rehearse("run", path, "--stage", "process", "--json", timeout=100)
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
    ],
)
def test_a_guard_is_told_by_experiments_and_not_taken_for_a_limit(
    rehearse: Rehearse, variant: Path, mode: str, code: str
) -> None:
    exit_code, report = rehearsed(rehearse, variant, mode)
    (finding,) = report["findings"]
    assert (exit_code, finding["code"], finding["severity"]) == (1, code, "critical"), report
    assert [one["kind"] for one in finding["evidence"]].count("experiment") >= 2


@pytest.mark.parametrize(
    ("mode", "why"),
    [
        ("redirect", "redirected"),
        ("drip", "no complete answer"),
        ("gigabyte", "was not read to its end"),
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
    assert why in " ".join(unseen["why"] for unseen in report["not_checked"]), report["not_checked"]
