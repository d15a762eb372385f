"""Why users fail, from a scenario file to a card, a replay and a test: a toy that refuses some, and the sample."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from harness.checks import causes
from harness.model.finding import Finding
from tests.conftest import REHEARSE, ROOT, Rehearse
from tests.end_to_end.friday import hold_rehearsal, variant

REFUSING = (ROOT / "tests/toy/scenario.py").read_text().replace(
    'cwd="tests/toy")', 'cwd="tests/toy", env={"TOY_REFUSE": "\'"})'
).replace(
    "usual, scales = 10, (1, 2)",
    'usual, scales = 150, (1, 2)\n    population = Population.spec("id", "name", edges=0.1)',
).replace("import Effect", "import Effect, Population").replace(
    "json=[user.id for user in users]", "json=[[user.id, user.name] for user in users]"
)  # fmt: skip


@pytest.fixture
def toy(request: pytest.FixtureRequest) -> Path:
    path = ROOT / "tests" / "toy" / f"variant_causes_{id(request)}.py"
    request.addfinalizer(lambda: path.unlink(missing_ok=True))
    path.write_text(REFUSING)
    return path


def card_of(report: dict) -> dict:
    (card,) = [finding for finding in report["findings"] if finding["code"] == "ITEM-010"]
    return card


def test_a_refused_kind_of_user_becomes_a_card_a_replay_and_a_test(
    toy: Path, rehearse: Rehearse, tmp_path: Path
) -> None:
    run = rehearse("run", toy, "--stage", "process", "--probes", "causes", "--json")
    card = card_of(json.loads(run.stdout))
    assert card["title"].startswith("Users whose name has an apostrophe fail: ")
    failing, such = card["title"].rpartition(": ")[2].split(" of ")
    assert failing == such
    folder = tmp_path / "reports" / toy.stem / "latest"
    assert card["id"] in (folder / "report.html").read_text()

    still = rehearse("replay", folder, card["id"], "--stage", "process")
    assert (still.returncode, still.stdout[:5]) == (1, "STILL")
    (test,) = (folder / "causes").glob("test_item_010_*.py")
    pytest_run = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(test)]
    assert subprocess.run(pytest_run, cwd=ROOT, capture_output=True, check=False).returncode == 1

    toy.write_text(REFUSING.replace("TOY_REFUSE", "TOY_NOTHING"))
    fixed = rehearse("replay", folder, card["id"], "--stage", "process")
    assert (fixed.returncode, fixed.stdout[:5]) == (0, "FIXED")
    assert subprocess.run(pytest_run, cwd=ROOT, capture_output=True, check=False).returncode == 0

    unknown = rehearse("replay", folder, "nothing", "--stage", "process")
    assert unknown.returncode == 2 and "expected" in unknown.stderr


@pytest.mark.timeout(300)
@pytest.mark.parametrize("stage", ["process", pytest.param("docker", marks=pytest.mark.engine)])
def test_the_samples_planted_rule_comes_out_as_it_was_planted(
    stage: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if stage == "docker":
        request.getfixturevalue("engine")
    words = [
        "--stage",
        stage,
        "--scales",
        "1",
        "--users",
        "300",
        "--probes",
        "causes",
        "--json",
        "--out",
        str(tmp_path),
    ]
    run = subprocess.run(
        [*REHEARSE, "run", "scenarios/friday_payouts.py", *words],
        cwd=ROOT, capture_output=True, text=True, timeout=280, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    card = card_of(json.loads(run.stdout))
    assert card["title"].startswith("Users whose name has a non-ASCII letter fail: ")
    failing, such = card["title"].rpartition(": ")[2].split(" of ")
    assert failing == such == str(card["counts"]["1x"])


@pytest.mark.timeout(180)
def test_users_who_fail_for_their_place_and_not_for_their_data_are_told_with_it(tmp_path: Path) -> None:
    scenario = variant(
        payouts={"PAYOUTS_SESSION_USES": "60", "PAYOUTS_REJECTS": "none"}, batch={}, quiet="0.5s"
    )
    record = hold_rehearsal(scenario, tmp_path / "run", "process", 40, probes=("causes",), scales=(1, 3))
    told = {found.code: found for found in causes.check(record) if isinstance(found, Finding)}
    assert told["ITEM-022"].title.startswith("Users whose place in the batch is 61 or more")
    assert told["ITEM-022"].counts == {"3x": 60} and "ITEM-010" not in told
    assert any("tried alone, such users pass" in proof.text for proof in told["ITEM-022"].evidence)
