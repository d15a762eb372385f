"""R9: a service that hangs ends the rehearsal within its budget, and who is stuck is told exactly."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Rehearse
from tests.end_to_end.errands import variant
from tests.faults.rows import Row, Trial

R9 = Row("R9")
BUDGET = 40
LATEST = 15


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
    assert "the time budget is spent" in told["the rest of the rehearsal"]
    trial.fired("nothing was read from it until the budget was spent")
    assert report["exit"] == 124
    assert not [code for code in codes(report) if code.startswith("LOST")]
