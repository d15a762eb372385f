"""R10: a service that floods its log costs the disk 20 MiB and the harness little."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from harness.judgement import judge
from harness.model.events import LogSeen
from harness.model.record import Record
from tests.conftest import REHEARSE, ROOT
from tests.end_to_end.errands import variant
from tests.faults.rows import Row, Trial

R10 = Row("R10")
MIB = 2**20


@R10.trials("as a process", quick=1, full=5)
@pytest.mark.timeout(180)
def test_the_log_of_a_process_is_kept_small(trial: Trial, tmp_path: Path) -> None:
    written = 0

    def look(pid: int) -> None:
        nonlocal written
        for log in Path(tempfile.gettempdir()).glob(f"rehearse-{pid}-*/shop.log"):
            with suppress(OSError):  # it is gone
                written = max(written, log.stat().st_size)

    held = rehearsed(
        tmp_path, variant(tmp_path, shop="SHOP_HANG=flood:400", batch="ERRAND_TRIES=1"), "process", look
    )
    assert written > 100 * MIB, f"only {written / MIB:.0f} MiB were written"
    trial.fired(f"{written / MIB:,.0f} MiB were written")
    log = kept_little(tmp_path, held)
    assert b"bytes left out here" in log.read_bytes()
    told = Record(log.parent.parent).all(LogSeen)
    assert [one.whole for one in told] == [True, True]
    (found,) = [one for one in judge(Record(log.parent.parent)).findings if one.code == "LOG-001"]
    assert found.service == "shop" and "MiB of log with 12 users" in found.title


@pytest.mark.engine
@pytest.mark.usefixtures("engine")
@R10.trials("in a container", quick=0, full=5)
@pytest.mark.timeout(300)
def test_the_log_of_a_container_is_kept_small(trial: Trial, tmp_path: Path) -> None:
    scenario = variant(tmp_path, shop="SHOP_HANG=yes:1", batch="ERRAND_TRIES=1")
    held = rehearsed(tmp_path, scenario, "docker", lambda pid: None)
    log = kept_little(tmp_path, held)
    record = Record(log.parent.parent)
    (flood,) = [one for one in record.all(LogSeen) if one.service == "shop"]
    assert not flood.whole and flood.rate
    trial.fired(
        f"the engine dropped what came before the last {flood.written:,} bytes: `yes` was faster than it"
    )
    assert log.read_bytes().startswith(b"[rehearse: this is the newest of it; the engine may have dropped")
    (found,) = [one for one in judge(record).findings if one.code == "LOG-001"]
    assert found.service == "shop" and "of log a second" in found.title


def rehearsed(folder: Path, scenario: Path, stage: str, look: Callable[[int], None]) -> int:
    """Rehearses it, looks 20 times a second, and returns the most bytes that the harness held."""
    words = ["run", scenario, "--stage", stage, "--probes", "none", "--out", folder / "reports"]
    run = subprocess.Popen(
        [*REHEARSE, *map(str, words)], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    held = 0
    while run.poll() is None:
        look(run.pid)
        with suppress(psutil.Error):
            held = max(held, psutil.Process(run.pid).memory_info().rss)
        time.sleep(0.05)
    return held


def kept_little(folder: Path, held: int) -> Path:
    """The log of the one who floods it, once what is kept is known to be small."""
    assert 20 * MIB < held <= 300 * MIB, f"{held / MIB:.0f} MiB"
    left = sum(path.stat().st_size for path in (folder / "reports").rglob("*") if path.is_file())
    assert left <= 200 * MIB
    (log,) = (folder / "reports").glob("errands/2*/logs/1x-shop.log")
    assert log.stat().st_size <= 20 * MIB
    return log
