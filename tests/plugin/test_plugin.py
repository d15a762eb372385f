"""A rehearsal as a test: what it says when it fails, what may be allowed, and its peace with other plugins."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from harness.model.record import Record
from harness.plugin.holding import Rehearsed
from tests.conftest import ROOT
from tests.report.staged import judged, staged

TOY = (ROOT / "tests/toy/scenario.py").read_text()
HERE = 'cwd="tests/toy"'
AS_TEST = """
import sys
import pytest

def rehearsed(scenario, **more):
    return pytest.mark.rehearsal(scenario, scales=(1,), stage="process", probes="none", **more)
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A folder with a sound scenario, one that loses users, and one whose ledger cannot be read."""
    for name in ("PYTEST_XDIST_WORKER", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    pytester.makepyfile(
        sound=TOY.replace(HERE, 'cwd="."'),
        lossy=TOY.replace(HERE, 'cwd=".", env={"TOY_LOSE": "5"}'),
        blind=TOY.replace(HERE, 'cwd="."').replace('"/ledger"', '"/nothing"'),
        batch=(ROOT / "tests/toy/batch.py").read_text(),
    )
    return pytester


def held(project: pytest.Pytester, tests: str, *words: str) -> pytest.RunResult:
    project.makepyfile(test_batch=AS_TEST + tests)
    return project.runpytest_subprocess("-p", "no:locust", *words)


def test_findings_and_gaps_fail_a_test_in_words_and_may_be_allowed(project: pytest.Pytester) -> None:
    run = held(
        project,
        """
@rehearsed("sound.py")
def test_sound(rehearsal):
    assert rehearsal.ready and rehearsal.safe_users == 10 and not rehearsal.codes
    assert not {"locust", "gevent", "docker"} & set(sys.modules)

@rehearsed("lossy.py")
def test_lossy():
    pass

@rehearsed("lossy.py", fail_on="never")
def test_of_its_own(rehearsal):
    assert rehearsal.safe_users >= 10

@rehearsed("lossy.py")
@pytest.mark.rehearsal_allow("LOST-001", reason="mended in spring", until="2999-01-01")
@pytest.mark.rehearsal_allow("URL-001", reason="once it was so")
def test_allowed():
    pass

@rehearsed("lossy.py")
@pytest.mark.rehearsal_allow("LOST-001", reason="mended in spring", until="2020-01-01")
def test_allowed_too_long():
    pass

@rehearsed("blind.py")
def test_blind():
    pass

@rehearsed("blind.py")
@pytest.mark.rehearsal_allow("inconclusive", reason="the ledger is not ours")
def test_blind_and_allowed():
    pass
""",
        "--rehearse-seed=7",
    )
    run.assert_outcomes(passed=3, failed=4, warnings=1)
    out = run.stdout
    out.fnmatch_lines(["rehearse: seed 7, stage of each marker, or auto"])
    out.fnmatch_lines(
        [
            "NOT READY  Do not run lossy with 10 users: 2 of 10 users are called done, and it was not done.",
            f"report: {project.path}/reports/lossy/*/report.html",
            "critical[[]LOST-001[]] 2 of 10 users are called done, and it was not done",
            "*where  batch",
            "*proof  ledger: at 1x, for example users *",
            "*help  Mark an item done only after *",
            "*reproduce  rehearse run lossy.py --scales 1 --users 10 --seed 7",
            "*Captured rehearsal call*",
            "not seen: effects: *",
            "*rehearsal_allow('URL-001') is not needed: nothing of it was found",
            "FAILED test_batch.py::test_lossy*",
            "FAILED test_batch.py::test_of_its_own*",
            "FAILED test_batch.py::test_allowed_too_long*",
            "FAILED test_batch.py::test_blind - *",
        ]
    )
    runs = [path for path in (project.path / "reports").glob("*/2*") if path.is_dir()]
    assert len(runs) == 3, "the same rehearsal is held once for all tests that ask for it"


def test_a_mistake_in_a_marker_is_told_without_a_traceback(project: pytest.Pytester) -> None:
    run = held(
        project,
        """
@rehearsed("sound.py", scale=3)
def test_argument(): pass

@rehearsed("sound.py", fail_on="hihg")
def test_level(): pass

@rehearsed("sound.py")
@pytest.mark.rehearsal_allow("URL-01", reason="so")
def test_code(): pass

@rehearsed("sound.py")
@pytest.mark.rehearsal_allow("URL-001")
def test_reason(): pass

@rehearsed("soundd.py")
def test_file(): pass

def test_no_marker(rehearsal): pass
""",
    )
    run.assert_outcomes(errors=6)
    run.stdout.fnmatch_lines(
        [
            "test_batch.py::test_argument has rehearsal(scale=...)",
            "*did you mean 'scales'?",
            "*did you mean 'high'?",
            "*did you mean 'URL-*'?",
            "*without a reason*",
            "*ended with 2:*",
            "error: there is no scenario file soundd.py",
            "*the fixture `rehearsal` and no marker*",
        ]
    )
    run.stdout.no_fnmatch_line("*Traceback*")
    run.stdout.no_fnmatch_line("*harness/plugin/*")


def test_workers_of_xdist_keep_their_runs_apart_and_take_processes_where_no_engine_answers(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    tests = """
anywhere = pytest.mark.rehearsal("sound.py", scales=(1,), probes="none")

@anywhere
def test_one(): pass

@anywhere
def test_two(): pass
"""
    run = held(project, tests, "-n", "2", "--dist", "each")
    run.assert_outcomes(passed=4)
    runs = sorted(project.path.glob("reports/*/*/2*/run.json"))
    assert [str(path.parents[1].relative_to(project.path)) for path in runs] == [
        "reports/gw0/sound",
        "reports/gw1/sound",
    ]
    for path in runs:
        assert Record(path.parent).manifest.stage == "process"


@pytest.mark.skipif(importlib.util.find_spec("locust") is None, reason="locust is not installed")
def test_it_lives_beside_the_plugin_of_locust(project: pytest.Pytester) -> None:
    project.makepyfile(test_batch=AS_TEST + '\n@rehearsed("sound.py")\ndef test_sound(): pass\n')
    run = project.runpytest_subprocess("--host=http://127.0.0.1:1", "--rehearse-stage=process")
    run.assert_outcomes(passed=1)
    run.stdout.fnmatch_lines(["rehearse: seed *", "plugins:*locust*"])


def test_a_test_run_that_is_killed_takes_its_rehearsal_with_it(project: pytest.Pytester) -> None:
    project.makepyfile(
        sound=(project.path / "sound.py").read_text().replace("0, False)", "0, True)"),
        test_batch=AS_TEST + '\n@rehearsed("sound.py")\ndef test_sound(): pass\n',
    )
    run = subprocess.Popen([sys.executable, "-m", "pytest", "-p", "no:locust"], cwd=project.path,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    try:
        mine = _batches_in(project.path, psutil.Process(run.pid))
    finally:
        os.kill(run.pid, signal.SIGKILL)
        run.wait()
    assert mine and not psutil.wait_procs(mine, timeout=30)[1]


def _batches_in(folder: Path, run: psutil.Process) -> list[psutil.Process]:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        everyone = run.children(recursive=True)
        if any(str(folder) == _cwd(each) and "batch.py" in _line(each) for each in everyone):
            return everyone
        time.sleep(0.05)
    return []


def _cwd(process: psutil.Process) -> str:
    try:
        return process.cwd()
    except psutil.Error:
        return ""


def _line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def test_what_a_system_said_obeys_nobody_in_the_text_of_a_failing_test(tmp_path: Path) -> None:
    record = staged(tmp_path / "run", "plain")
    verdict = judged(record, "\x1b[31mred\u202e")
    text = Rehearsed(verdict, record.folder).text
    assert "red" in text and not {"\x1b", "\u202e"} & set(text)
