"""The fault matrix of act two against batches that behave well and badly while their downstream is in trouble."""

from __future__ import annotations

from pathlib import Path

from tests.conftest import Rehearse
from tests.end_to_end.errands import rehearsed, variant


def test_a_careless_batch_waits_hammers_and_pays_twice(rehearse: Rehearse, tmp_path: Path) -> None:
    scenario = variant(tmp_path, batch="ERRAND_TIMEOUT=0 ERRAND_SAYS=error")
    found = rehearsed(rehearse, scenario, "--probes", "faults")["codes"]
    assert found["DOWN-001"]["severity"] == "high"
    assert found["DOWN-002"]["counts"]["requests"] > 2
    assert found["DUP-020"]["counts"]["press 2"] == 4
    assert found["DUP-021"]["severity"] == "high"
    assert "ERR-010" in found


def test_a_careful_batch_has_none_of_it(rehearse: Rehearse, tmp_path: Path) -> None:
    scenario = variant(tmp_path, shop="SHOP_DEDUP=yes", batch="ERRAND_TRIES=3 ERRAND_WAITS=yes")
    report = rehearsed(rehearse, scenario, "--probes", "faults")
    assert set(report["codes"]) == set()
    unseen = [one["probe"] for one in report["not_checked"]]
    assert not [probe for probe in unseen if probe.startswith("when ")], unseen


def test_without_the_probe_it_is_told_that_nobody_looked(rehearse: Rehearse, tmp_path: Path) -> None:
    report = rehearsed(rehearse, variant(tmp_path), "--probes", "none")
    told = {one["probe"]: one["why"] for one in report["not_checked"]}
    assert told["faults"] == "only on demand: --probes faults"
