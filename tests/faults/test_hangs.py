"""R9: a service that hangs ends the rehearsal within its budget, and who is stuck is told exactly."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from harness.model.events import Ended, ScaleDone, StageUp
from harness.model.record import Record
from harness.stage.leftovers import dead_owners
from tests.conftest import REHEARSE, ROOT, Rehearse
from tests.end_to_end.errands import variant
from tests.faults.rows import Row, Trial
from tests.faults.toys import side_by_side

R9 = Row("R9")
BUDGET = 40
LATEST = 15
SIDE_BY_SIDE = 2
HANGS = (ROOT / "tests/toy/hangs_scenario.py").read_text().replace("tests/toy", f"{ROOT}/tests/toy")
PHASES = {
    "getting ready": "/ready",
    "putting the users in": "/seed",
    "the first press": "/run",
    "a press of act two": "/run:2",
    "watching the batch": "/progress",
    "reading the outcomes": "/outcomes",
    "reading the ledger": "/effects",
    "taking down": "stay",
}


def hanging(trial: Trial, rehearse: Rehearse, folder: Path, how: str) -> dict[str, Any]:
    """A rehearsal whose downstream hangs at the fifth of twelve users; the batch has no time-out."""
    scenario = variant(folder, shop=f"SHOP_HANG={how}:5", batch="ERRAND_TIMEOUT=0")
    began = time.monotonic()
    ran = rehearse(
        "run", scenario, "--stage", "process", "--probes", "none", "--json", "--budget", f"{BUDGET}s"
    )
    took = time.monotonic() - began
    report: dict[str, Any] = json.loads(ran.stdout) | {"exit": ran.returncode}
    trial.took(took)
    assert took <= BUDGET + LATEST, f"{took:.0f} s"
    assert report["verdict"] != "ready" and ran.returncode in (1, 3, 124)
    return report


def codes(report: dict[str, Any]) -> dict[str, dict[str, int]]:
    return {one["code"]: one["counts"] for one in report["findings"]}


@R9.trials("takes and never answers", quick=1, full=5)
def test_a_service_that_never_answers(trial: Trial, rehearse: Rehearse, tmp_path: Path) -> None:
    found = codes(hanging(trial, rehearse, tmp_path, "silent"))
    trial.fired("one user is stuck, and the rehearsal went on")
    assert found["ITEM-003"] == {"1x": 1}
    assert found["ITEM-006"] == {"1x": 7}
    assert not [code for code in found if code.startswith("LOST")]


@R9.trials("answers a byte a second", quick=0, full=5)
def test_a_service_that_drips(trial: Trial, rehearse: Rehearse, tmp_path: Path) -> None:
    found = codes(hanging(trial, rehearse, tmp_path, "drip"))
    trial.fired("one user is stuck, and the rehearsal went on")
    assert found["ITEM-003"] == {"1x": 1}
    assert found["ITEM-006"] == {"1x": 7}


@R9.trials("is stopped", quick=0, full=5)
@pytest.mark.timeout(180)
def test_a_service_that_is_stopped_cannot_tell_what_was_done(
    trial: Trial, rehearse: Rehearse, tmp_path: Path
) -> None:
    report = hanging(trial, rehearse, tmp_path, "stop")
    told = {one["probe"]: one["why"] for one in report["not_checked"]}
    assert "reading back what became of the users (phase collect)" in told["the rest of the rehearsal"]
    trial.fired("nothing was read from it until the deadline of that phase")
    assert report["exit"] == 124
    assert not [code for code in codes(report) if code.startswith("LOST")]


@R9.trials("in each phase", quick=0, full=8, in_one=True)
@pytest.mark.timeout(900)
def test_whatever_phase_hangs_the_budget_is_kept(trial: Trial, tmp_path: Path) -> None:
    def one(number: int) -> None:
        phase, where = list(PHASES.items())[number % len(PHASES)]
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "pyproject.toml").touch()
        (folder / "hangs.py").write_text(HANGS.replace("WHERE", where))
        budget, probes = 20, "rerun" if phase == "a press of act two" else "none"
        words = ["run", folder / "hangs.py", "--stage", "process", "--probes", probes, "--json"]
        began = time.monotonic()
        ran = subprocess.run(
            [*REHEARSE, *map(str, words), "--budget", f"{budget}s", "--out", folder / "reports"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        took = time.monotonic() - began
        report = json.loads(ran.stdout)
        record = Record(next(folder.glob("reports/hangs/2*")))
        if where == "stay":
            assert (report["verdict"], ran.returncode) == ("ready", 0), ran.stderr
            trial.fired("SIGTERM did not end it")
        else:
            assert (report["verdict"], ran.returncode) == ("inconclusive", 124), (phase, ran.stderr)
            assert record.all(Ended)[-1].status == "aborted"
            assert took > budget, "it hung until the budget was spent"
            assert bool(record.all(StageUp)) is (where != "/ready"), phase
            assert bool(record.all(ScaleDone)) is (where == "/run:2"), phase
            trial.fired(f"it hung while {phase}")
        assert took <= budget + LATEST, f"{phase}: {took:.0f} s"
        trial.took(took)

    side_by_side(one, trial.asked, SIDE_BY_SIDE)
    assert not dead_owners(None), "somebody is left"
