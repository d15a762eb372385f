"""`--json` on every command: stdout is one JSON document, and everything else goes to stderr."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import click
import pytest
from jsonschema import Draft202012Validator

from harness.cli import cli, images
from tests.cli.conftest import Here
from tests.cli.test_manners import commands
from tests.conftest import ROOT
from tests.measures.test_compare import rehearsal

TOY = (ROOT / "tests/toy/scenario.py").read_text()
LOSSY = TOY.replace('cwd="tests/toy")', 'cwd=".", env={"TOY_LOSE": "5"})')
SCHEMA = json.loads((ROOT / "harness/model/data/report.schema.json").read_text())
HELD = ("--stage", "process", "--scales", "1", "--probes", "none")

WORDS: dict[str, tuple[str, ...]] = {
    "init": ("payday",),
    "run": ("lossy.py", *HELD, "--out", "reports"),
    "judge": ("run",),
    "replay": ("reports/lossy/latest", "LOST-001"),
    "fuzz": ("lossy.py", "--examples", "1", "--time", "1s"),
    "report": ("run",),
    "compare": ("run", "run"),
    "baseline accept": ("run", "--out", "kept.json"),
    "baseline show": ("kept.json",),
    "created": ("run",),
    "explain": ("URL-001",),
    "users": ("--count", "3", "--out", "users.csv"),
    "doctor": (),
    "gc": ("--dry-run",),
    "completion": ("bash",),
}
"""How each command is called here, in an order in which each finds what it needs."""

ELSEWHERE = {
    "load": "plays with Locust's processes; it tells by the same function as run",
    "worker": "joins a load: Locust's processes as well",
    "images": "has a test of its own below: building needs an engine",
}
"""Called in no row above, and why. They have the option all the same."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a scenario, and a run with a heavy wall."""
    here = tmp_path_factory.mktemp("json")
    (here / "pyproject.toml").touch()
    (here / "lossy.py").write_text(LOSSY)
    shutil.copy(ROOT / "tests/toy/batch.py", here)
    rehearsal(here / "run", 1, read=True)
    return here


def test_every_command_has_the_option_and_a_row_here() -> None:
    leaves = {
        name.removeprefix("rehearse "): command
        for name, command in commands(cli)
        if not isinstance(command, click.Group)
    }
    assert [name for name, each in leaves.items() if not any("--json" in p.opts for p in each.params)] == []
    assert {*WORDS, *ELSEWHERE} == {*leaves}


@pytest.mark.parametrize("name", WORDS)
def test_stdout_is_one_document(folder: Path, here: Here, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(folder)
    called = here(*name.split(), *WORDS[name], "--json")
    assert called.returncode in (0, 1, 3, 5), called.stderr
    document = json.loads(called.stdout)
    assert document
    if name in ("run", "judge"):
        Draft202012Validator(SCHEMA).validate(document)


def test_images_are_named_in_one_document(folder: Path, here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setattr(images, "need_engine", object)
    monkeypatch.setattr(images, "build_images", lambda *asked: {"batch": "rehearse-batch:1"})
    called = here("images", "lossy.py", "--json")
    assert (json.loads(called.stdout), called.returncode) == ({"batch": "rehearse-batch:1"}, 0)
