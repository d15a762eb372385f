"""Fuzzing: a planted kind of user and a planted order of hands are found, saved, and tried first the next time."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest

from harness.cli import fuzz
from harness.drive.attempts import Unrecorded
from harness.drive.play import Play
from harness.errors import EnvironmentProblem, UsageError
from harness.fuzzing import Case, Ground, Tries, fuzz_users, load_cases, play_flow
from harness.fuzzing.flows import STEPS, steps_for
from harness.model.scenario import Scenario
from harness.population import Population
from scenarios.friday_payouts import FridayPayouts
from tests.conftest import ROOT, Rehearse
from tests.end_to_end.friday import SOURCE, opener, variant

TOY = (
    (ROOT / "tests/toy/scenario.py")
    .read_text()
    .replace("usual,", 'population = Population.spec("id", "name")\n    usual,')
    .replace("import Effect", "import Effect, Population")
    .replace("json=[user.id for user in users]", "json=[[user.id, user.name] for user in users]")
)


@pytest.fixture
def toy(request: pytest.FixtureRequest) -> Path:
    path = ROOT / "tests" / "toy" / f"variant_fuzz_{id(request)}.py"
    request.addfinalizer(lambda: path.unlink(missing_ok=True))
    return path


def with_env(env: dict[str, str]) -> str:
    return TOY.replace('cwd="tests/toy")', f'cwd="tests/toy", env={env!r})')


@pytest.mark.timeout(300)
def test_a_refused_kind_of_user_is_one_line_one_file_and_tried_first(
    toy: Path, rehearse: Rehearse, tmp_path: Path
) -> None:
    toy.write_text(with_env({"TOY_REFUSE": "'"}))
    words = ("fuzz", toy, "--examples", "60", "--time", "90s", "--out", tmp_path / "cases")
    first = rehearse(*words)
    assert first.returncode == 1, first.stderr
    lines = [line for line in first.stdout.splitlines() if line.startswith("new: users whose")]
    assert len(lines) == 1 and "users whose name has an apostrophe fail" in lines[0]
    saved = [json.loads(path.read_text()) for path in (tmp_path / "cases").rglob("user-*.json")]
    assert len(saved) == 1 and "'" in saved[0]["data"]["name"] and "'" not in saved[0]["passing"]["name"]

    toy.write_text(with_env({}))
    again = rehearse("fuzz", toy, "--examples", "1", "--time", "20s", "--out", tmp_path / "cases")
    assert "known, passes now: users whose name has an apostrophe" in again.stdout


@pytest.mark.timeout(300)
def test_hands_that_pay_twice_are_one_line_with_few_steps(
    toy: Path, rehearse: Rehearse, tmp_path: Path
) -> None:
    toy.write_text(with_env({"TOY_AGAIN": "1"}))
    run = rehearse("fuzz", toy, "--examples", "30", "--time", "60s", "--out", tmp_path / "cases")
    assert run.returncode == 1, run.stderr
    flows = [json.loads(path.read_text()) for path in (tmp_path / "cases").rglob("flow-*.json")]
    twice = [case for case in flows if case["verdict"] == "duplicated"]
    assert len(twice) == 1 and len(twice[0]["steps"]) <= 3


def test_without_hypothesis_the_line_that_installs_it_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    with pytest.raises(EnvironmentProblem) as told:
        fuzz.command.main([str(ROOT / "tests/toy/scenario.py")], standalone_mode=False)
    assert "pip install 'rehearse[fuzz]'" in told.value.fix


def test_a_damaged_case_is_told_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "user-x.json").write_text("{")
    with pytest.raises(UsageError, match="user-x"):
        load_cases(tmp_path)


def ground_of(scenario: Scenario) -> Ground:
    play = Play(scenario, SOURCE, [], time.monotonic() + 90, Unrecorded(), lambda text: None)
    return Ground(play, opener(scenario, "process"), Population(1, scenario.population), first=0)


def test_changed_inputs_are_no_finding_where_each_user_is_done_once() -> None:
    good = {"BATCH_ON_RERUN": "retry", "BATCH_AFTER_KILL": "again"}
    with ground_of(variant(payouts={"PAYOUTS_IDEMPOTENT": "yes"}, batch=good)) as ground:
        changes = ["another user's data", "press", "another user's data", "another user", "press"]
        assert play_flow(ground, changes) == {}
        assert play_flow(ground, ["slow downstream", "another user's data", "downstream down"]) == {}
        assert play_flow(ground, ["kill the batch at work", "kill the downstream at work"]) == {}


def test_a_kill_finds_an_item_in_work_each_time() -> None:
    with ground_of(variant(payouts={}, batch={})) as ground:
        assert play_flow(ground, ["kill the batch at work"]) == {"stuck": 1}


def test_what_the_checker_knows_is_found_with_any_hands_and_any_user() -> None:
    plants = {"PAYOUTS_PLANT": "phantom:4,wrong-amount:3,twice:2"}
    with ground_of(variant(payouts=plants, batch={})) as ground:
        assert play_flow(ground, ["press"]) == {"phantom": 1, "corrupted": 1, "duplicated": 1}
        tries, user = Tries(ground), Population(1).user(7)
        words = [(tries.once_more(user.data) or "").partition(":")[0] for _ in range(5)]
        assert words == ["", "duplicated", "corrupted", "phantom", ""]


def test_data_are_changed_only_where_the_scenario_can() -> None:
    assert set(steps_for(FridayPayouts())) == set(STEPS)
    plain = type("Plain", (Scenario,), {"usual": 1})()
    assert set(STEPS) - set(steps_for(plain)) == {"another user's data"}


def test_without_effects_nobody_can_tell_and_it_says_so(
    toy: Path, rehearse: Rehearse, tmp_path: Path
) -> None:
    toy.write_text(with_env({}).replace("return [Effect(item)", "return None; [Effect(item)"))
    run = rehearse("fuzz", toy, "--examples", "5", "--time", "10s", "--out", tmp_path / "cases")
    assert run.returncode == 2 and "effects() of the scenario gave None" in run.stderr


def test_users_of_whom_nobody_can_tell_are_neither_good_nor_bad(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tries, "once_more", lambda self, data: None if data["name"].startswith("A") else "")
    with ground_of(FridayPayouts()) as ground:
        people = Population(1, Population.spec("id", "name"))
        found = fuzz_users(ground, people, 60, time.monotonic() + 20)
    assert found.unseen and found.cases == []
    assert all(user["name"].startswith("A") for user in found.unseen)


@pytest.mark.parametrize(
    ("now", "told", "fails", "unseen"),
    [
        ({"failed-clean: no"}, "still fails", True, 0),
        ({"stuck"}, "fails otherwise now (stuck)", True, 0),
        (set(), "passes now", False, 0),
        (None, "was not seen", False, 1),
    ],
)
def test_a_known_case_passes_only_where_it_was_seen_to(
    capsys: pytest.CaptureFixture[str],
    now: set[str] | None,
    told: str,
    fails: bool,
    unseen: int,
    tmp_path: Path,
) -> None:
    said = fuzz.Told(tmp_path, machine=False)
    said.known(Case(kind="user", sentence="users fail", verdict="failed-clean: no"), now)
    assert f"known, {told}: users fail" in capsys.readouterr().out
    assert (said.causes[0]["fails"], said.unseen) == (fails, unseen)
