"""R30: 200 stages one after the other, in one process: what it holds does not grow with them."""

from __future__ import annotations

import os
from pathlib import Path
from statistics import fmean, linear_regression

import psutil
import pytest

from harness.loading import load
from harness.stage.leash import stand_by
from harness.stage.process import process_stage
from harness.stage.watchdog import family, folders
from tests.conftest import ROOT
from tests.faults.rows import Row, Trial

R30 = Row("R30")
CYCLES, WARM, BATCHES = 200, 50, 10
T_95 = 2.306
"""Student's t, both sides, for BATCHES - 2 degrees of freedom."""
A_PAGE_EACH = 4096.0
"""Bytes a cycle; what is surely more than this is a leak."""


def slope(values: list[float]) -> tuple[float, float]:
    """Growth a cycle: the ends of its 95% interval, from the means of batches, which lean on each other little."""
    size = len(values) // BATCHES
    means = [fmean(values[number * size : (number + 1) * size]) for number in range(BATCHES)]
    middles = [float(number * size) for number in range(BATCHES)]
    line = linear_regression(middles, means)
    rest = sum((y - line.intercept - line.slope * x) ** 2 for x, y in zip(middles, means, strict=True))
    spread = sum((x - fmean(middles)) ** 2 for x in middles)
    half: float = T_95 * (rest / (BATCHES - 2) / spread) ** 0.5
    return line.slope - half, line.slope + half


def disk(folder: Path) -> int:
    """Bytes below a folder."""
    return sum(path.lstat().st_size for path in folder.rglob("*"))


@R30.trials("stages", quick=0, full=1)
@pytest.mark.timeout(3600)
def test_two_hundred_stages_leave_neither_files_nor_memory(
    trial: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    loaded, me, owner = load(str(ROOT / "tests/toy/scenario.py")), psutil.Process(), stand_by()
    handles, memory = list[int](), list[float]()
    for _ in range(CYCLES):
        with process_stage(loaded.scenario, ROOT) as stage:
            assert stage.services["batch"].pids() and any(folders(owner)), "it really was up"
        assert not [one for one in family(owner) if one.pid != os.getpid()]
        assert disk(tmp_path) == 0, list(tmp_path.rglob("*"))
        handles.append(me.num_fds())
        memory.append(float(me.memory_info().rss))
    trial.fired(f"{CYCLES} stages were up and were closed")
    assert len(set(handles[WARM:])) == 1, handles
    low, high = slope(memory[WARM:])
    print(
        f"memory grew by {low:.0f} to {high:.0f} bytes a cycle (95%), {memory[WARM]:.0f} to {memory[-1]:.0f}"
    )
    assert low <= A_PAGE_EACH, (low, high, memory)
