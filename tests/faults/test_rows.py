"""The frame of the fault matrix: a trial whose fault did not happen has not passed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

FRAME = """
from tests.faults import rows
rows.TABLE = rows.Path(__file__).parent / "README.md"
rows.write_table.__defaults__ = (rows.TABLE,)
from tests.faults import tally
from tests.faults.conftest import *
def pytest_configure(config):
    config.pluginmanager.register(tally)
"""
TRIALS = """
from tests.faults.rows import Row

@Row("R8").trials("one", quick=2, full=3)
def test_fires(trial):
    trial.fired("seen")
    trial.took(trial.number)

@Row("R9").trials("never", quick=1, full=2)
def test_never_fires(trial):
    pass

@Row("R10").trials("breaks", quick=1, full=1)
def test_breaks(trial):
    trial.fired("seen")
    assert trial.number

@Row("R14").trials("many", quick=5, full=50, in_one=True)
def test_many_in_one(trial):
    for _ in range(trial.asked):
        trial.fired("seen")

@Row("R30").trials("long", quick=0, full=1)
def test_long(trial):
    trial.fired("seen")
"""


def run(folder: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    (folder / "conftest.py").write_text(FRAME)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n    faults\n    only_in_full\n")
    (folder / "test_it.py").write_text(TRIALS)
    clean = {name: value for name, value in os.environ.items() if name not in ("CI", "FULL")}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", folder, *words],
        cwd=folder,
        env={**clean, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **env},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_full_run_writes_the_table_and_says_what_was_not_run(tmp_path: Path) -> None:
    ran = run(tmp_path, FULL="1")
    table = (tmp_path / "README.md").read_text()
    assert "| 3 | 3 | 3 | 2.0 s | holds |" in table, ran.stdout
    assert "| 2 | 0 | 0 |  | not run: its fault did not happen |" in table
    assert "| 1 | 1 | 0 |  | FAILS |" in table
    assert "| 50 | 50 | 50 |  | holds |" in table
    assert table.count("|  |  |  |  | not run |") == 22

    # a row that was cut keeps its line
    run(tmp_path, "-k", "R8-one-0 or R14", FULL="1")
    assert "| 3 | 3 | 3 | 2.0 s | holds |" in (tmp_path / "README.md").read_text()


def test_a_quick_run_writes_nothing_and_leaves_out_what_is_for_the_full_one(tmp_path: Path) -> None:
    ran = run(tmp_path)
    assert not (tmp_path / "README.md").exists()
    assert "R8: 2 trials, 2 fired, 2 passed, slowest 1.0 s: holds" in ran.stdout
    assert "R30" not in ran.stdout


def test_in_ci_a_row_that_never_fired_fails_the_session(tmp_path: Path) -> None:
    assert run(tmp_path, "-k", "R8 or R9", CI="1").returncode == 1
    assert run(tmp_path, "-k", "R8", CI="1").returncode == 0
