"""`rehearse init`: what it writes runs as it is, and says what is missing."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from harness.cli import origin
from tests.conftest import REHEARSE, ROOT

COMPOSE = """
services:
  shop-batch: {build: ./app, ports: ['8000:80'], depends_on: [db], restart: always}
  db: {image: db:1}
"""
Init = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def call(tmp_path: Path) -> Init:
    """The command in a project's folder."""
    (tmp_path / "pay-day").mkdir()
    (tmp_path / "pay-day/.git").mkdir()
    (tmp_path / "pay-day/.github").mkdir()
    (
        tmp_path / "pay-day/.github/rehearse-0-py3-none-any.whl"
    ).touch()  # so that none is made, which takes a while

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*(REHEARSE if words[0] != "pytest" else [sys.executable, "-m"]), *words],
            cwd=tmp_path / "pay-day",
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )

    return run


@pytest.fixture
def folder(call: Init, tmp_path: Path) -> Path:
    return tmp_path / "pay-day"


def test_without_anything_it_writes_what_runs_and_ends_inconclusive(call: Init, folder: Path) -> None:
    said = call("init")
    assert said.returncode == 0, said.stderr
    assert "stand-in" in said.stdout and "FILL IN" in said.stdout
    run = call("run", "scenarios/pay_day.py", "--users", "3", "--scales", "1")
    assert run.returncode == 3, run.stderr
    assert "is still to be written: FILL IN" in " ".join(run.stderr.split())
    assert "scenarios/pay_day.py:" in "".join(run.stderr.split())
    assert (folder / "reports/pay_day/latest/report.html").exists()

    tested = call("pytest", "-q", "-p", "no:cacheprovider", "tests")
    assert tested.returncode == 1, "a rehearsal that tells nothing does not pass"
    assert "FILL IN" in tested.stdout, tested.stdout

    steps = yaml.safe_load((folder / ".github/workflows/rehearsal.yml").read_text())["jobs"]["rehearsal"][
        "steps"
    ]
    command = next(step["run"] for step in steps if step.get("name") == "rehearse")
    assert call(*command.split()[1:]).returncode == 3


def test_filled_in_it_rehearses(call: Init, folder: Path) -> None:
    call("init", "mine")
    path = folder / "scenarios/mine.py"
    text = path.read_text()
    text = re.sub(r" +raise NotImplementedError.*\n", "", text)
    toy = f"{ROOT}/tests/toy/batch.py {{port}}"
    text = text.replace("-m http.server {port} --bind 127.0.0.1", toy)
    text = text.replace('"/status", whole=True', '"/items", whole=True')
    text = text.replace('item=row["id"], said=row["status"], detail=row["error"]', "item=row[0], said=row[1]")
    path.write_text(text)
    run = call("run", "scenarios/mine.py", "--users", "3", "--scales", "1", "--probes", "none")
    assert run.returncode in (0, 3) and "Traceback" not in run.stderr, run.stderr
    assert "raised" not in run.stderr and "FILL IN" not in run.stderr


def test_with_a_compose_file_its_services_are_taken_and_what_is_left_out_is_named(
    call: Init, folder: Path
) -> None:
    (folder / "app").mkdir()
    (folder / "app/Dockerfile").write_text("FROM scratch\n")
    (folder / "compose.yaml").write_text(COMPOSE)
    said = call("init")
    assert said.returncode == 0, said.stderr
    assert "shop_batch: not done as the compose file says: restart: always" in said.stdout
    assert 'stack = Service.from_compose("compose.yaml")' in (folder / "scenarios/pay_day.py").read_text()
    assert "live.shop_batch.post" in (folder / "scenarios/pay_day.py").read_text()
    loaded = call("run", "scenarios/pay_day.py", "--stage", "process")
    assert loaded.returncode == 5 and "can run as a process" in loaded.stderr


def test_with_dockerfiles_they_are_the_services(call: Init, folder: Path) -> None:
    for name, text in (("batch", "FROM a\nEXPOSE 9000\n"), ("class", "FROM a\n")):
        (folder / name).mkdir()
        (folder / name / "Dockerfile").write_text(text)
    said = call("init")
    text = (folder / "scenarios/pay_day.py").read_text()
    assert 'batch = Service(build="batch", port=9000' in text
    assert 'batch_class = Service(build="class", port=8000' in text
    assert "exposes no port" in said.stdout


def test_it_never_overwrites(call: Init, folder: Path) -> None:
    call("init")
    (folder / "scenarios/pay_day.py").write_text("mine")
    again = call("init")
    assert again.returncode == 2 and "left as it is" in again.stdout
    assert (folder / "scenarios/pay_day.py").read_text() == "mine"


def test_a_compose_file_that_reaches_out_is_refused_and_nothing_is_written(call: Init, folder: Path) -> None:
    (folder / "compose.yaml").write_text("services: {a: {image: b, privileged: true}}")
    said = call("init")
    assert said.returncode == 6 and "a.privileged" in said.stderr
    assert not (folder / "scenarios").exists()


def test_the_workflow_installs_the_rehearse_that_wrote_it(call: Init, folder: Path) -> None:
    (folder / ".github/rehearse-0-py3-none-any.whl").unlink()
    assert "commit .github/rehearse-" in call("init").stdout
    workflow = yaml.safe_load((folder / ".github/workflows/rehearsal.yml").read_text())
    steps = {step.get("name"): step.get("run") for step in workflow["jobs"]["rehearsal"]["steps"]}
    there = folder.parent / "there"
    fetched = {"PIP_TARGET": str(there), "PIP_NO_DEPS": "1"}  # what it needs is here already
    own = {
        **os.environ,
        **workflow["env"],
        **fetched,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    subprocess.run(["sh", "-ec", steps["install"]], cwd=folder, env=own, check=True, capture_output=True)
    assert (there / "harness/cli/first/workflow.txt").exists()
    main = "import harness; from harness.cli import main; assert 'there' in harness.__file__; main()"
    run = subprocess.run(
        [sys.executable, "-c", main, *steps["rehearse"].split()[1:]],
        cwd=folder,
        env={**own, "PYTHONPATH": str(there)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 3 and "FILL IN" in run.stderr, run.stderr


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        (None, "rehearse=="),
        ({"url": "file:///no/such/folder", "dir_info": {}}, "./FILL-IN"),
        ({"url": "{here}/tools/re%20hearse", "dir_info": {"editable": True}}, "./tools/re hearse"),
        ({"url": "https://a.test/r-1.whl", "archive_info": {}}, "rehearse @ https://a.test/r-1.whl"),
        (
            {"url": "https://a.test/r.git", "vcs_info": {"vcs": "git", "commit_id": "c0ffee"}},
            "rehearse @ git+https://a.test/r.git@c0ffee",
        ),
        (
            {
                "url": "https://a.test/r.git",
                "vcs_info": {"vcs": "git", "commit_id": "c0ffee"},
                "subdirectory": "tools/rehearse",
            },
            "rehearse @ git+https://a.test/r.git@c0ffee#subdirectory=tools/rehearse",
        ),
    ],
)
def test_where_rehearse_came_from_is_written_as_pip_takes_it_elsewhere(
    told: dict[str, Any] | None, wanted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = told and json.dumps(told).replace("{here}", tmp_path.as_uri())
    installed = SimpleNamespace(version="1.2", read_text=lambda name: text)
    monkeypatch.setattr(origin, "distribution", lambda name: installed)
    found, remark = origin.requirement(tmp_path)
    assert found.startswith(wanted)
    assert ("FILL IN" in remark) == (found == "./FILL-IN")
