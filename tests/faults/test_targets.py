"""R17: targets that look like production. In a network namespace every packet is counted: none is sent."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.faults.rows import Row, Trial
from tests.faults.targets import CASES

R17 = Row("R17")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What came of every case: one process calls them all."""
    if os.geteuid() or not shutil.which("unshare") or not shutil.which("ip"):
        pytest.skip("counting packets needs root, unshare and ip")
    folder = tmp_path_factory.mktemp("targets")
    words = ["unshare", "-n", sys.executable, "-m", "tests.faults.targets", str(folder)]
    run = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, timeout=240)
    assert run.returncode == 0, run.stderr[-2000:]
    found: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    assert found["control"]["packets"] > 3 and found["control"]["forbidden"] == 1, "the counters count"
    return found


@R17.trials("a target", quick=len(CASES), full=len(CASES))
def test_nothing_is_sent_to_what_is_not_allowed(trial: Trial, results: dict[str, Any]) -> None:
    name = list(CASES)[trial.number]
    case, found = CASES[name], results[name]
    trial.fired(f"{name}: exit {found['code']}, {found['packets']} packets")
    assert found["forbidden"] == 0
    assert found["code"] == case.code, found
    if case.reached:
        assert found["allowed"] >= 1, "the allowed one was asked, so that it could lead elsewhere"
    else:
        assert found["packets"] == 0, found
