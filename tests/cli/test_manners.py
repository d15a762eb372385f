"""How the command line behaves among people and programs: help, settings, pipes, colours, completion, hints."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from harness.cli import cli
from tests.cli.conftest import Called, Here
from tests.conftest import REHEARSE, ROOT
from tests.measures.test_compare import rehearsal


def commands(group: click.Group, name: str = "rehearse") -> Iterator[tuple[str, click.Command]]:
    for word, command in group.commands.items():
        yield f"{name} {word}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{name} {word}")


@pytest.mark.parametrize(("name", "command"), list(commands(cli)))
def test_every_command_shows_in_its_help_how_it_is_called(name: str, command: click.Command) -> None:
    shown = (command.help or "").split("\b")
    assert any(line.strip().startswith(name) for text in shown[1:] for line in text.splitlines()), name


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["jugde", "x"], "judge"),
        (["run", "--scalse", "1"], "--scales"),
        (["run", "friday_payout"], "scenarios/friday_payouts.py"),
        (["run", "scenarios/friday_payouts.py", "--probes", "edgse"], "edges"),
        (["explain", "URL-O01"], "URL-001"),
        (["report", "x", "--format", "jnuit"], "junit"),
    ],
)
def test_a_slip_is_answered_with_what_was_meant(here: Here, words: list[str], meant: str) -> None:
    run = here(*words)
    said = " ".join(run.stderr.split())
    assert run.returncode == 2
    assert "did you mean" in said.lower() and meant in said, said


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that commands are called from, with one run, which has a heavy wall."""
    rehearsal(tmp_path / "run", 1, read=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_flag_goes_before_the_environment_and_that_before_pyproject(kept: Path, here: Here) -> None:
    def judged(*words: str, **env: str) -> Called:
        return here("judge", "run", "--quiet", *words, **env)

    assert judged().returncode == 1
    (kept / "pyproject.toml").write_text('[tool.rehearse]\nfail-on = "never"\nscales = [1, 2]\n')
    assert judged().returncode == 0
    assert judged(REHEARSE_FAIL_ON="high").returncode == 1
    assert judged("--fail-on", "never", REHEARSE_FAIL_ON="high").returncode == 0
    (kept / "pyproject.toml").write_text(
        '[tool.rehearse]\nfail-on = "never"\n[tool.rehearse.judge]\nfail_on = "high"\n'
    )
    assert judged().returncode == 1


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ('[tool.rehearse]\nfail-onn = "never"', "did you mean 'fail-on'?"),
        ('[tool.rehearse.judge]\nscales = "1"', "'scales', which is no option"),
        ('[tool.rehearse]\nfail-on = "now"', "'now' is not one of"),
        ("[tool]\nrehearse = 3", "a table of options"),
        ("[tool.rehearse", "cannot be read"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_told(kept: Path, here: Here, table: str, says: str) -> None:
    (kept / "pyproject.toml").write_text(table)
    run = here("judge", "run")
    assert run.returncode == 2
    assert says in " ".join(run.stderr.split()), run.stderr


def test_stdout_is_one_document_with_json_and_everything_else_goes_to_stderr(kept: Path, here: Here) -> None:
    run = here("judge", "run", "--json")
    assert json.loads(run.stdout)["verdict"] == "not_ready"
    assert "NOT READY" in run.stderr
    quiet = here("judge", "run", "--quiet")
    assert "NOT READY" in quiet.stdout and "not checked" not in quiet.stdout


@pytest.mark.parametrize(
    "words",
    [
        "judge run --json",
        "judge run",
        "explain URL-001",
        "explain --list",
        "baseline show kept.json",
        "users --count 9 --out -",
    ],
)
def test_a_reader_that_goes_away_does_not_change_the_exit_code(kept: Path, here: Here, words: str) -> None:
    (kept / "pyproject.toml").write_text('[tool.rehearse]\nfail-on = "never"\n')
    here("baseline", "accept", "run", "--out", "kept.json")
    read, write = os.pipe()
    os.close(read)
    run = subprocess.Popen([*REHEARSE, *words.split()], cwd=kept, stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    _, said = run.communicate(timeout=60)
    assert run.returncode == 0 and b"error" not in said and b"Traceback" not in said, said


def test_a_log_that_nobody_reads_does_not_hold_a_rehearsal_up(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.set_blocking(write, False)
    try:
        while True:
            os.write(write, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(write, True)
    toy = [
        "run",
        "tests/toy/scenario.py",
        "--stage",
        "process",
        "--scales",
        "1",
        "--probes",
        "none",
        "--quiet",
    ]
    run = subprocess.run([*REHEARSE, *toy, "--out", str(tmp_path)], cwd=ROOT, stdout=subprocess.DEVNULL,
                         stderr=write, timeout=100, check=False)  # fmt: skip
    os.close(read)
    os.close(write)
    assert run.returncode == 0


def test_no_color_is_heeded_where_colours_are_forced(kept: Path, here: Here) -> None:
    assert "\x1b[" in here("judge", "run", FORCE_COLOR="1").stdout
    assert "\x1b[3" not in here("judge", "run", FORCE_COLOR="1", NO_COLOR="1").stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_what_makes_it_complete(here: Here, shell: str) -> None:
    script = here("completion", shell).stdout
    assert f"_REHEARSE_COMPLETE={shell}_complete" in script
    if shell == "bash":
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)


@pytest.mark.parametrize(("line", "offered"), [("rehearse ju", "judge"), ("rehearse explain URL-00", "URL-001"),
                                               ("rehearse run --sca", "--scales")])  # fmt: skip
def test_words_are_completed(line: str, offered: str) -> None:
    words = line.split()
    env = {"_REHEARSE_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    main = "import sys; sys.argv = ['rehearse']; from harness.cli import main; main()"
    run = subprocess.run(
        [REHEARSE[0], "-c", main], env=os.environ | env, capture_output=True, text=True, check=False
    )
    assert offered in run.stdout, run.stderr
