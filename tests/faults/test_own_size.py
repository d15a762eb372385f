"""What a rehearsal costs the machine it runs on: of 10,000 users; and where it would write too much."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from harness.model.events import Ended, ScaleDone
from harness.model.record import Record
from tests.conftest import ROOT
from tests.end_to_end.errands import variant
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


WITH_LITTLE_ROOM = """
import sys
from harness.model.room import Room
room = Room(int(sys.argv.pop()))
Room.of = lambda folder: room
from harness.cli import main
main()
"""


@pytest.mark.parametrize("probes", ["none", "rerun"])
def test_a_record_that_gets_too_large_ends_the_rehearsal_in_order(tmp_path: Path, probes: str) -> None:
    most, reports = 3_000 if probes == "none" else 16_000, tmp_path / "reports"
    words = ["run", variant(tmp_path), "--stage", "process", "--probes", probes, "--out", reports]
    ran = subprocess.run(
        [sys.executable, "-c", WITH_LITTLE_ROOM, *words, str(most)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert ran.returncode == 5, ran.stderr
    assert "the record has reached" in ran.stderr and "Traceback" not in ran.stderr
    assert "INCONCLUSIVE" in ran.stdout and "the record has reached" in ran.stdout
    (folder,) = reports.glob("errands/2*")
    record = Record(folder)
    assert record.all(Ended)[-1].status == "failed"
    assert bool(record.all(ScaleDone)) is (probes == "rerun"), "it ended where it was meant to"
    kept = sum(path.stat().st_size for path in (folder / "tables").iterdir())
    lines = (folder / "journal.jsonl").read_text().splitlines()
    kept += sum(
        len(line) for line in lines if not line.startswith(('{"event":"not_seen"', '{"event":"ended"'))
    )
    assert kept <= most
