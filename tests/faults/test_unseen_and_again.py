"""R29: what the downstream did cannot be read; R26: the same seed again."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.conftest import REHEARSE, ROOT, Rehearse
from tests.end_to_end.errands import rehearsed, variant
from tests.faults.rows import Row, Trial

R26, R29 = Row("R26"), Row("R29")


@R29.trials("the ledger answers 500", quick=1, full=10)
def test_a_ledger_that_cannot_be_read_is_never_a_pass_and_the_tap_is_the_witness(
    trial: Trial, rehearse: Rehearse, tmp_path: Path
) -> None:
    careless = "ERRAND_BELIEVES=yes" if trial.number % 2 else ""
    scenario = variant(tmp_path, shop="SHOP_NO_LEDGER=yes SHOP_LIE=4", batch=careless)
    report = rehearsed(rehearse, scenario, "--probes", "none", "--tap", "on", "--fail-on", "never")
    told = {one["probe"]: one["why"] for one in report["not_checked"]}
    assert "could not be read" in told["effects"]
    trial.fired("effects() was answered with 500")
    assert report["exit"] == 3
    found = report["codes"]
    if careless:
        assert found["LOST-001"]["counts"] == {"1x": 3}
        assert found["LOST-001"]["evidence"][0]["kind"] == "tap"
    else:
        assert report["verdict"] == "inconclusive"
        assert found["ITEM-001"]["evidence"][0]["kind"] == "tap"
    if trial.number:
        quiet = rehearsed(rehearse, variant(tmp_path, shop="SHOP_NO_LEDGER=yes"), "--probes", "none")
        assert (quiet["verdict"], quiet["exit"], quiet["findings"]) == ("inconclusive", 3, [])


@R26.trials("twice with the same seed", quick=2, full=20)
def test_the_same_seed_gives_the_same_users_and_the_same_findings(
    trial: Trial, rehearse: Rehearse, tmp_path: Path
) -> None:
    seed = str(41 + trial.number)
    scenario = variant(tmp_path, shop="SHOP_LIE=4")
    files = [tmp_path / "users-1.jsonl", tmp_path / "users-2.jsonl"]

    def write(file: Path) -> None:
        words = ["users", "--count", "500", "--seed", seed, "--out", file]
        subprocess.run([*REHEARSE, *map(str, words)], cwd=ROOT, check=True, capture_output=True)

    with ThreadPoolExecutor(4) as pool:
        asked = [
            pool.submit(rehearsed, rehearse, scenario, "--probes", "none", "--seed", seed) for _ in range(2)
        ]
        list(pool.map(write, files))
        runs = [one.result() for one in asked]
    tables = [path.read_bytes() for path in sorted(tmp_path.glob("reports/errands/2*/tables/intended.jsonl"))]
    trial.fired("two processes, one seed")
    assert len(tables) == 2 and tables[0] == tables[1]
    assert files[0].read_bytes() == files[1].read_bytes() != b""
    assert [one["id"] for one in runs[0]["findings"]] == [one["id"] for one in runs[1]["findings"]] != []
