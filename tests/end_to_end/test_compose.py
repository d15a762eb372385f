"""The sample system from its compose file alone, on the docker stage."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.loading import load
from tests.conftest import Rehearse

SCENARIO = "scenarios/friday_compose.py"


@pytest.mark.engine
@pytest.mark.usefixtures("engine")
@pytest.mark.timeout(600)
def test_the_sample_is_rehearsed_from_its_compose_file(rehearse: Rehearse, tmp_path: Path) -> None:
    words = "--stage docker --users 60 --scales 1 --probes none --json"
    run = rehearse("run", SCENARIO, *words.split(), timeout=500)
    assert run.returncode == 1, run.stderr
    report = json.loads(run.stdout)
    assert "STOP-001" in {finding["code"] for finding in report["findings"]}
    manifest = json.loads((tmp_path / "reports/friday_compose/latest/run.json").read_text())
    entries = {service["name"]: service["entry"] for service in manifest["services"]}
    assert entries == {"db": "db", "payouts": "payouts", "batch": "front", "front": "front"}
    assert any("restart" in row["why"] for row in report["not_checked"]), "what is left out is named"


def test_every_service_of_it_is_from_the_file() -> None:
    chosen = type(load(SCENARIO).scenario)
    services = chosen.services()
    assert set(services) == {"db", "payouts", "batch", "front"}
    assert all(chosen.stack[name] is service for name, service in services.items())
    assert [one.name for one in services["batch"].calls] == ["payouts", "db"]
    assert services["front"].fronts is services["batch"]
