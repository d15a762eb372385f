"""What a rehearsal of 10,000 users costs the machine it runs on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.faults.rows import FULL

MIB = 2**20
USERS = 10_000
AND_ITS_PEAK = """
import atexit, pathlib, sys
peak, status = pathlib.Path(sys.argv.pop()), pathlib.Path("/proc/self/status")
atexit.register(lambda: peak.write_text(status.read_text().split("VmHWM:")[1].split()[0]))
from harness.cli import main
main()
"""


@(pytest.mark.timeout(300) if FULL else pytest.mark.only_in_full)
def test_ten_thousand_users_cost_300_mib_of_memory_and_200_on_disk_at_most(tmp_path: Path) -> None:
    peak, reports = tmp_path / "peak", tmp_path / "reports"
    words = [
        "run",
        "tests/toy/scenario.py",
        "--stage",
        "process",
        "--users",
        str(USERS),
        "--scales",
        "1",
        "--json",
    ]
    ran = subprocess.run(
        [sys.executable, "-c", AND_ITS_PEAK, *words, "--probes", "none", "--out", reports, peak],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert json.loads(ran.stdout)["scales"] == [1], ran.stderr
    (items,) = reports.glob("scenario/2*/tables/items-1.jsonl")
    assert sum(len(json.loads(line)["item"]) for line in items.read_text().splitlines()) == USERS
    held = int(peak.read_text()) * 1024
    assert 20 * MIB < held <= 300 * MIB, f"{held / MIB:.0f} MiB"
    assert sum(path.stat().st_size for path in reports.rglob("*") if path.is_file()) <= 200 * MIB
