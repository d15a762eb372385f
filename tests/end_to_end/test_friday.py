"""The sample system: one rehearsal shows every wall, and the control shows none. Real servers on both stages."""

from __future__ import annotations

import json
import subprocess
from functools import cache
from pathlib import Path

import pytest

from harness.stage import Engine
from harness.stage.leftovers import alive
from harness.stage.watchdog import OWNER_LABEL
from tests.conftest import REHEARSE, ROOT

EXPECTED = {"URL-001", "FORM-001", "STOP-001", "ITEM-001", "MEM-001", "ERR-001"}
SCALES = "1,2,3"


@cache
def rehearsal(scenario: str, stage: str, out: Path) -> tuple[int, dict]:
    """One rehearsal for all tests that look at it."""
    # What pressing again shows of the sample's defects has tests of its own, in test_planted.
    probes = "edges,lines" if scenario == "friday_payouts" else "edges,rerun"
    words = [
        "run",
        f"scenarios/{scenario}.py",
        *f"--stage {stage} --scales {SCALES} --probes {probes}".split(),
    ]
    words += ["--json", "--out", str(out)]
    run = subprocess.run(
        [*REHEARSE, *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=500,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert run.stdout, run.stderr
    return run.returncode, json.loads(run.stdout)


@pytest.fixture(params=["process", pytest.param("docker", marks=pytest.mark.engine)], scope="module")
def stage(request: pytest.FixtureRequest) -> str:
    if request.param == "docker":
        request.getfixturevalue("engine")
    return request.param


@pytest.fixture(scope="session")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("friday")


def by_code(report: dict) -> dict[str, dict]:
    return {finding["code"]: finding for finding in report["findings"]}


@pytest.mark.timeout(600)
def test_one_rehearsal_of_the_default_system_shows_every_wall(stage: str, out: Path) -> None:
    code, report = rehearsal("friday_payouts", stage, out)
    assert code == 1 and report["verdict"] == "not_ready"
    assert {finding["code"] for finding in report["findings"]} >= EXPECTED


@pytest.mark.timeout(600)
def test_the_walls_stand_where_the_servers_defaults_put_them(stage: str, out: Path) -> None:
    found = by_code(rehearsal("friday_payouts", stage, out)[1])
    url, form = found["URL-001"], found["FORM-001"]
    assert (url["breaks_at"]["last_passing"], url["breaks_at"]["first_failing"], url["hop"]) == (
        406,
        407,
        "gunicorn",
    )
    assert (form["breaks_at"]["last_passing"], form["breaks_at"]["first_failing"]) == (999, 1000)
    assert form["config_key"] == "DATA_UPLOAD_MAX_NUMBER_FIELDS"


@pytest.mark.timeout(600)
def test_the_leak_is_measured_to_a_few_percent(stage: str, out: Path) -> None:
    memory = by_code(rehearsal("friday_payouts", stage, out)[1])["MEM-001"]
    assert memory["service"] == "payouts"
    assert memory["counts"]["3x"] == pytest.approx(28672, rel=0.08)


@pytest.mark.timeout(600)
def test_the_line_that_keeps_the_memory_is_named(stage: str, out: Path) -> None:
    memory = by_code(rehearsal("friday_payouts", stage, out)[1])["MEM-001"]
    lines = (ROOT / "fixtures/friday/payouts/payouts.py").read_text().splitlines()
    keeps = next(number for number, line in enumerate(lines, 1) if "receipts.append" in line)
    assert f"payouts.py:{keeps})" in memory["cause"] and f"payouts.py:{keeps}:" in memory["advice"]


@pytest.mark.timeout(600)
def test_the_item_that_stops_the_batch_and_what_it_blocks_are_counted(stage: str, out: Path) -> None:
    found = by_code(rehearsal("friday_payouts", stage, out)[1])
    stop, failing = found["STOP-001"], found["ITEM-001"]
    assert stop["counts"]["3x"] + stop["breaks_at"]["users"] == 1200
    assert 0.02 < failing["counts"]["3x"] / 1200 < 0.07


@pytest.mark.timeout(600)
def test_the_healthy_system_is_ready(stage: str, out: Path) -> None:
    code, report = rehearsal("friday_healthy", stage, out)
    assert (code, report["verdict"], report["findings"]) == (0, "ready", [])


@pytest.mark.engine
@pytest.mark.timeout(600)
def test_both_stages_give_their_findings_the_same_ids(engine: Engine, out: Path) -> None:
    first, second = (
        {
            finding["id"]
            for finding in rehearsal("friday_payouts", kind, out)[1]["findings"]
            if finding["code"] in EXPECTED
        }
        for kind in ("process", "docker")
    )
    assert first == second


@pytest.mark.engine
@pytest.mark.timeout(300)
def test_nothing_is_left_in_the_engine(engine: Engine, out: Path) -> None:
    rehearsal("friday_payouts", "docker", out)
    api = engine.client.api
    left = api.containers(all=True, filters={"label": OWNER_LABEL}) + api.networks(
        filters={"label": OWNER_LABEL}
    )
    assert all(alive(thing["Labels"][OWNER_LABEL]) for thing in left)
