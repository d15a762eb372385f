"""The docker stage with the toy batch: what can go wrong with images and containers, told and cleaned up."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.stage import Engine
from harness.stage.watchdog import OWNER_LABEL
from tests.conftest import REHEARSE, ROOT, Rehearse

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("engine"), pytest.mark.timeout(300)]

TOY = (ROOT / "tests/toy/scenario.py").read_text().replace("port=8000,", 'port=8000, build="tests/toy",')


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """A project of its own with the toy batch and a Dockerfile, to be broken at will."""
    (tmp_path / "pyproject.toml").touch()
    shutil.copytree(
        ROOT / "tests/toy", tmp_path / "tests/toy", ignore=shutil.ignore_patterns("__pycache__", "variant*")
    )
    (tmp_path / "toy.py").write_text(TOY)
    yield tmp_path


def left_of(engine: Engine, pid: int) -> list[object]:
    wanted = {"label": OWNER_LABEL}
    things = [
        *engine.client.api.containers(all=True, filters=wanted),
        *engine.client.api.networks(filters=wanted),
    ]
    return [thing for thing in things if thing["Labels"][OWNER_LABEL].startswith(f"{pid}-")]


def test_a_batch_in_a_container_is_rehearsed(project: Path, rehearse: Rehearse) -> None:
    run = rehearse("run", project / "toy.py", "--stage", "docker", "--json")
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["verdict"] == "ready"


def test_a_build_that_fails_is_told_with_the_step_that_failed(project: Path, rehearse: Rehearse) -> None:
    with (project / "tests/toy/Dockerfile").open("a") as dockerfile:
        dockerfile.write("RUN echo no such package: leftpad && exit 3\n")
    run = rehearse("run", project / "toy.py", "--stage", "docker")
    said = " ".join(run.stderr.split())
    assert run.returncode == 5
    assert (
        "service 'batch' could not be built" in said and "no such package: leftpad" in said and "fix:" in said
    )


def test_a_container_that_ends_at_once_is_told_with_its_last_lines(
    project: Path, rehearse: Rehearse, engine: Engine
) -> None:
    (project / "toy.py").write_text(TOY.replace("port=8000,", 'port=8000, env={"TOY_DIE": "1"},', 1))
    run = rehearse("run", project / "toy.py", "--stage", "docker")
    assert run.returncode == 5
    assert "exit code 7" in run.stderr and "no database at db:5432" in run.stderr


def test_a_container_that_never_becomes_ready_is_told(project: Path, rehearse: Rehearse) -> None:
    never = 'port=8000, env={"TOY_NEVER_READY": "1"}, ready_within="2s",'
    (project / "toy.py").write_text(TOY.replace("port=8000,", never, 1))
    run = rehearse("run", project / "toy.py", "--stage", "docker")
    assert run.returncode == 5
    assert "status 503" in " ".join(run.stderr.split())


def test_an_image_that_nobody_has_is_told(project: Path, rehearse: Rehearse) -> None:
    (project / "toy.py").write_text(TOY.replace('build="tests/toy"', 'image="rehearse/nobody-has-this:1"'))
    run = rehearse("run", project / "toy.py", "--stage", "docker")
    assert run.returncode == 5
    assert "rehearse/nobody-has-this:1" in run.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_leaves_no_container_and_no_network(
    project: Path, engine: Engine, number: int
) -> None:
    words = ["run", str(project / "toy.py"), "--stage", "docker", "--out", str(project / "reports")]
    process = subprocess.Popen(
        [*REHEARSE, *words], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 60
    while not left_of(engine, process.pid) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert process.poll() is None, "the fault must come while something is there"
    process.send_signal(number)
    assert process.wait(30) == 128 + number
    assert not left_of(engine, process.pid)


@pytest.mark.parametrize("delay", [0.0, 0.4, 1.0])
def test_killed_it_leaves_no_container_and_no_network(project: Path, engine: Engine, delay: float) -> None:
    words = ["run", str(project / "toy.py"), "--stage", "docker", "--out", str(project / "reports")]
    process = subprocess.Popen(
        [*REHEARSE, *words], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 60
    while not left_of(engine, process.pid) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(delay)
    assert process.poll() is None, "the fault must come while something is there"
    process.kill()
    process.wait()
    deadline = time.monotonic() + 15
    while left_of(engine, process.pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(1)  # what was in the making when the kill came turns up now
    assert not left_of(engine, process.pid)
