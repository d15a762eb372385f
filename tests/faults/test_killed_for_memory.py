"""R8: a service that the kernel kills for its memory is told of as that, and costs nobody the word 'lost'."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.model.events import ServiceEnded
from harness.model.record import Record
from tests.conftest import Rehearse
from tests.end_to_end.errands import rehearsed, variant
from tests.faults.rows import Row, Trial

R8 = Row("R8")


@pytest.mark.engine
@pytest.mark.usefixtures("engine")
@R8.trials("a downstream of 64 MiB", quick=1, full=10)
@pytest.mark.timeout(180)
def test_the_finding_names_the_service_its_limit_and_who_was_in_work(
    trial: Trial, rehearse: Rehearse, tmp_path: Path
) -> None:
    grows = 9 + trial.number % 4
    scenario = variant(tmp_path, shop=f"SHOP_HANG=grow:{grows} SHOP_BOOK=/tmp/book")
    tap = "on" if trial.number % 2 else "off"
    report = rehearsed(rehearse, scenario, "--probes", "none", "--tap", tap, stage="docker")
    record = Record(tmp_path / "reports/errands/latest")
    ends, items = record.all(ServiceEnded), record.table("items-1")
    in_work = items["item"][items["said"].index("failed")]
    assert [end.service for end in ends if end.oom_killed] == ["shop"]
    trial.fired("the engine or the kernel's counter says OOM killed")
    found = report["codes"]["MEM-010"]
    assert found["service"] == "shop"
    assert "64 MiB" in found["title"]
    who = found["evidence"][1]["text"]
    seen = "in work or asked for next" if tap == "on" else "who was in work may be among those called failed"
    assert who.startswith(seen) and in_work in who, (who, in_work)
    assert not [code for code in report["codes"] if code.startswith("LOST")], report["codes"]
    assert report["exit"] == 1
