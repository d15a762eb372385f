"""R12: a full disk ends a rehearsal with exit code 5, the summary on stdout, and nothing left."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from harness.stage.leftovers import belongings
from harness.stage.watchdog import owner_of
from tests.conftest import REHEARSE, ROOT
from tests.end_to_end.errands import variant
from tests.faults.rows import Row, Trial

R12 = Row("R12")
FILL = """
    def {hook}:
        import os
        free = os.statvfs({disk!r})
        try:
            with open({disk!r} + "/filler", "xb") as file:
                os.posix_fallocate(file.fileno(), 0, free.f_bavail * free.f_bsize - {leave})
        except OSError:
            pass
        {then}
"""


@pytest.fixture
def disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A small disk of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    if (
        os.geteuid()
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={request.param}m", "tmpfs", place], check=False
        ).returncode
    ):
        pytest.skip("no disk can be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def rehearsed(scenario: Path, disk: Path) -> subprocess.CompletedProcess[str]:
    run = subprocess.Popen(
        [*REHEARSE, "run", scenario, "--stage", "process", "--probes", "none", "--out", disk],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        owner = owner_of(psutil.Process(run.pid))
        out, err = run.communicate(timeout=100)
    finally:
        run.kill()
    assert run.returncode == 5, err
    assert "Traceback" not in err
    assert not belongings(None, owner), "somebody is left"
    return subprocess.CompletedProcess(run.args, run.returncode, out, err)


def with_filler(folder: Path, disk: Path, hook: str, then: str, leave: int) -> Path:
    """A scenario in whose hook the disk gets full, but for some bytes."""
    scenario = variant(folder)
    text = scenario.read_text()
    if hook.startswith("effects"):
        text = text.replace("def effects(self, live):", "def really(self, live):")
    scenario.write_text(text + FILL.format(hook=hook, disk=str(disk), leave=leave, then=then))
    return scenario


@R12.trials("before the run", quick=1, full=5)
@pytest.mark.parametrize("disk", [8], indirect=True)
def test_before_the_run_it_is_refused(trial: Trial, disk: Path, tmp_path: Path) -> None:
    ran = rehearsed(variant(tmp_path), disk)
    trial.fired("8 MiB are there")
    assert "MiB are free" in ran.stderr


@R12.trials("in the journal", quick=1, full=5)
@pytest.mark.parametrize("disk", [1100], indirect=True)
def test_in_the_journal_it_ends_the_rehearsal(trial: Trial, disk: Path, tmp_path: Path) -> None:
    ran = rehearsed(with_filler(tmp_path, disk, "seed(self, live, users)", "return", 0), disk)
    assert os.statvfs(disk).f_bavail == 0
    trial.fired("no block is free")
    assert "no space is left" in ran.stderr
    assert "INCONCLUSIVE" in ran.stdout


@R12.trials("in the report", quick=0, full=5)
@pytest.mark.parametrize("disk", [1100], indirect=True)
def test_in_the_report_the_summary_is_still_told(trial: Trial, disk: Path, tmp_path: Path) -> None:
    hook = "effects(self, live)"
    ran = rehearsed(with_filler(tmp_path, disk, hook, "return self.really(live)", 24_000), disk)
    assert not next(disk.glob("errands/2*")).joinpath("report.html").exists()
    trial.fired("the report could not be written")
    assert "no space is left" in ran.stderr
    assert "errands" in ran.stdout
