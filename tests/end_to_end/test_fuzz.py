"""Fuzzing: a planted kind of user and a planted order of hands are found, saved, and tried first the next time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import ROOT, Rehearse

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


def test_a_refused_kind_of_user_is_one_line_one_file_and_tried_first(
    toy: Path, rehearse: Rehearse, tmp_path: Path
) -> None:
    toy.write_text(with_env({"TOY_REFUSE": "'"}))
    words = ("fuzz", toy, "--examples", "80", "--time", "12s", "--out", tmp_path / "cases")
    first = rehearse(*words)
    assert first.returncode == 1, first.stderr
    lines = [line for line in first.stdout.splitlines() if line.startswith("new: users whose")]
    assert len(lines) == 1 and "users whose name has an apostrophe fail" in lines[0]
    saved = [json.loads(path.read_text()) for path in (tmp_path / "cases").rglob("user-*.json")]
    assert len(saved) == 1 and "'" in saved[0]["data"]["name"] and "'" not in saved[0]["passing"]["name"]

    toy.write_text(with_env({}))
    again = rehearse("fuzz", toy, "--examples", "1", "--time", "3s", "--out", tmp_path / "cases")
    assert "known, passes now: users whose name has an apostrophe" in again.stdout


def test_hands_that_pay_twice_are_told_with_the_fewest_steps(
    toy: Path, rehearse: Rehearse, tmp_path: Path
) -> None:
    toy.write_text(with_env({"TOY_AGAIN": "1"}))
    run = rehearse("fuzz", toy, "--examples", "30", "--time", "12s", "--out", tmp_path / "cases")
    assert run.returncode == 1, run.stderr
    flows = [json.loads(path.read_text()) for path in (tmp_path / "cases").rglob("flow-*.json")]
    twice = [case for case in flows if case["verdict"] == "duplicated"]
    assert len(twice) == 1 and len(twice[0]["steps"]) <= 2
