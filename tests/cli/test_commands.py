"""The command line: help, usage errors, the doctor."""

from __future__ import annotations

import json
import platform
import socket
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.cli import doctor
from harness.errors import HarnessError
from harness.loading import load
from harness.opening import engine_for
from harness.stage import Engine
from tests.conftest import Rehearse


def test_help_names_every_command(rehearse: Rehearse) -> None:
    run = rehearse("--help")
    assert run.returncode == 0
    for command in (
        "run",
        "judge",
        "report",
        "compare",
        "baseline",
        "explain",
        "users",
        "images",
        "doctor",
        "gc",
    ):
        assert f"\n  {command} " in run.stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["run"], "Missing argument"),
        (["run", "scenarios/friday_payout.py"], "did you mean scenarios/friday_payouts.py?"),
        (["run", "scenarios/friday_payouts.py:Friday"], "FridayPayouts"),
        (["run", "scenarios/friday_payouts.py", "--scales", "5,1"], "ascending"),
        (["run", "scenarios/friday_payouts.py", "--scales", "²"], "ascending"),
        (["run", "scenarios/friday_payouts.py", "--budget", "soon"], "duration"),
        (["run", "scenarios/friday_payouts.py", "--users", "0"], "0"),
        (["judge", "no/such/run"], "run.json"),
        (["report", "no/such/run", "--format", "pdf"], "there are json, html, md, junit, sarif"),
        (["rnu"], "No such command"),
    ],
)
def test_a_command_that_cannot_be_meant_is_told_and_ends_with_2(
    rehearse: Rehearse, words: list[str], says: str
) -> None:
    run = rehearse(*words)
    assert run.returncode == 2
    assert says in " ".join(run.stderr.split())


def test_the_doctor_gives_a_fix_for_each_thing_that_is_missing(
    rehearse: Rehearse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    rows = {row["what"]: row for row in json.loads(rehearse("doctor", "--json").stdout)}
    assert rows["Python"]["good"]
    assert not rows["container engine"]["good"]
    assert all(row["good"] or row["fix"] for row in rows.values())


@pytest.mark.parametrize(("name", "seen"), [(socket.gethostname(), True), ("elsewhere", False)])
def test_the_doctor_tells_by_whose_machine_it_is_whether_memory_is_seen(name: str, seen: bool) -> None:
    client = SimpleNamespace(info=lambda: {"Name": name, "KernelVersion": platform.release()})
    row = doctor._memory(
        Engine(client, "20.10", "1.41", "v2")
    )  # before the first container there is no group
    assert (row.good, "elsewhere" in row.seen) == (seen, not seen)


def test_without_an_engine_the_docker_stage_is_an_environment_problem(
    rehearse: Rehearse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    run = rehearse("run", "tests/toy/scenario.py", "--stage", "docker")
    assert run.returncode == 5
    assert "no container engine answers" in " ".join(run.stderr.split())


def test_without_an_engine_plain_processes_are_chosen_and_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    engine, why = engine_for("auto", load("scenarios/friday_payouts.py").scenario)
    assert engine is None
    assert why.startswith("no container engine: ")


def test_a_scenario_that_knows_no_container_needs_no_engine(rehearse: Rehearse) -> None:
    run = rehearse("run", "tests/toy/scenario.py", "--probes", "none", "--scales", "1")
    assert run.returncode == 0
    assert "stage process: no service says how it runs in a container" in " ".join(run.stderr.split())


def test_a_place_where_nothing_can_be_written_is_an_environment_problem(
    tmp_path: Path, rehearse: Rehearse
) -> None:
    (tmp_path / "reports").touch()
    run = rehearse("run", "tests/toy/scenario.py", "--stage", "process")
    assert run.returncode == 5
    assert "cannot be made" in " ".join(run.stderr.split())


def test_an_error_shows_all_four_things_a_reader_needs() -> None:
    text = str(HarnessError("seen it", expected="that", cause="this", fix="do so"))
    assert text == "seen it\n  expected: that\n  likely cause: this\n  fix: do so"
