"""R10: a service that floods its log costs the disk 20 MiB and the harness little."""

from __future__ import annotations

import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.conftest import REHEARSE, ROOT
from tests.end_to_end.errands import variant
from tests.faults.rows import Row, Trial

R10 = Row("R10")
MIB = 2**20


@R10.trials("as a process", quick=1, full=5)
@pytest.mark.timeout(180)
def test_the_log_of_a_process_is_kept_small(trial: Trial, tmp_path: Path) -> None:
    scenario = variant(tmp_path, shop="SHOP_HANG=flood:400", batch="ERRAND_TRIES=1")
    words = ["run", scenario, "--stage", "process", "--probes", "none", "--out", tmp_path / "reports"]
    run = subprocess.Popen(
        [*REHEARSE, *map(str, words)], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    written, held = 0, 0
    while run.poll() is None:
        for log in Path(tempfile.gettempdir()).glob(f"rehearse-{run.pid}-*/shop.log"):
            with suppress(OSError):  # it is gone
                written = max(written, log.stat().st_size)
        held = max(held, _held(run.pid))
        time.sleep(0.05)
    assert written > 100 * MIB, f"only {written / MIB:.0f} MiB were written"
    trial.fired(f"{written / MIB:,.0f} MiB were written")
    left = sum(path.stat().st_size for path in (tmp_path / "reports").rglob("*") if path.is_file())
    assert left <= 200 * MIB
    assert held <= 300 * MIB, f"{held / MIB:.0f} MiB"
    (log,) = (tmp_path / "reports").glob("errands/2*/logs/1x-shop.log")
    assert log.stat().st_size <= 20 * MIB
    assert b"bytes left out here" in log.read_bytes()


def _held(pid: int) -> int:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0
