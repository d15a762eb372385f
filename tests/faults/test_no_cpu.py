"""R27: where the harness gets no CPU, a deadline that is missed says nothing of the batch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import REHEARSE, ROOT
from tests.end_to_end.errands import variant
from tests.faults.rows import Row, Trial
from tests.faults.toys import until

R27 = Row("R27")
LOOPS = 16


@contextmanager
def busy() -> Iterator[list[int]]:
    """So many loops on each CPU, each in a session of its own: Linux shares out the CPU among sessions first."""
    words = [sys.executable, "-S", "-c", "while True: pass"]
    loops = [subprocess.Popen(words, start_new_session=True) for _ in range(LOOPS * (os.cpu_count() or 1))]
    try:
        yield [loop.pid for loop in loops]
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def waited(pid: int) -> float:
    """Seconds that this process could have run and had no CPU."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9


@R27.trials("busy loops on every CPU", quick=0, full=10)
@pytest.mark.timeout(180)
def test_a_harness_without_a_cpu_finds_nothing_late(trial: Trial, tmp_path: Path) -> None:
    scenario = variant(tmp_path)
    scenario.write_text(scenario.read_text().replace("    usual", '    deadline = "2s"\n    usual', 1))
    words = [
        "run",
        scenario,
        "--stage",
        "process",
        "--probes",
        "none",
        "--scales",
        "1",
        "--users",
        "1000",
        "--json",
    ]
    run = subprocess.Popen(
        [*REHEARSE, *map(str, words), "--out", tmp_path / "reports"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    journals = (tmp_path / "reports").glob
    assert until(lambda: any("stage_up" in j.read_text() for j in journals("errands/2*/journal.jsonl")), 60)
    with busy() as loops:
        began = time.monotonic()
        report = json.loads(run.communicate(timeout=150)[0])
        share = min(map(waited, loops)) / (time.monotonic() - began)
    assert share > 0.8, f"a loop waited only {share:.0%} of the time: CPUs were left"
    assert report["measurements"]["batch seconds at 1x"] > 2.0, "nothing was late"
    trial.fired(f"each loop waited {share:.0%} of the time for a CPU, and the deadline was missed")
    assert (report["verdict"], run.returncode) == ("inconclusive", 3)
    assert not [one["code"] for one in report["findings"] if one["code"].startswith(("TIME-", "ITEM-"))]
    told = " ".join(one["why"] for one in report["not_checked"] if one["decisive"])
    assert "generator starved: at 1x the harness itself waited for a CPU" in told
    assert "TIME-002 withheld" in told
