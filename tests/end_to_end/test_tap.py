"""The tap in a rehearsal: it sees what the downstream answered, and is believed where nobody else saw."""

from __future__ import annotations

import re
from pathlib import Path

from tests.conftest import Rehearse
from tests.end_to_end.errands import rehearsed, variant


def test_a_downstream_that_commits_and_answers_500_is_caught_by_two_witnesses(
    rehearse: Rehearse, tmp_path: Path
) -> None:
    scenario = variant(tmp_path, shop="SHOP_LIE=4 SHOP_DEDUP=yes")
    report = rehearsed(rehearse, scenario, "--probes", "none", "--tap", "on")
    assert report["codes"]["ITEM-008"]["counts"] == {"1x": 3}


def test_a_downstream_that_answers_200_and_does_nothing(rehearse: Rehearse, tmp_path: Path) -> None:
    report = rehearsed(rehearse, variant(tmp_path, shop="SHOP_FORGET=4"), "--probes", "none", "--tap", "on")
    assert report["codes"]["ITEM-007"]["counts"] == {"1x": 3}
    assert report["codes"]["LOST-001"]["counts"] == {"1x": 3}


def test_without_effects_the_tap_tells_what_was_done(rehearse: Rehearse, tmp_path: Path) -> None:
    scenario = variant(tmp_path, batch="ERRAND_BELIEVES=yes", shop="SHOP_LIE=4", without_effects=True)
    report = rehearsed(rehearse, scenario, "--probes", "none")
    assert report["codes"]["LOST-001"]["counts"] == {"1x": 3}
    assert report["codes"]["LOST-001"]["evidence"][0]["kind"] == "tap"
    assert report["exit"] == 1


def test_a_batch_that_asks_more_for_each_user_the_more_there_are_is_told_with_its_exponent(
    rehearse: Rehearse, tmp_path: Path
) -> None:
    scenario = variant(tmp_path, batch="ERRAND_ASKS=10")
    words = ("--probes", "none", "--tap", "on", "--users", "30", "--scales", "1,3,9")
    growth = rehearsed(rehearse, scenario, *words)["codes"]["TIME-001"]
    assert re.match(r"Time grows like users\^1\.\d|Time grows like users\^2", growth["title"])
    assert "2.0 calls a user became 14.0" in growth["title"]
    heard = next(each["text"] for each in growth["evidence"] if each["kind"] == "tap")
    assert heard.startswith("calls downstream: 2.00 a user became 14.00;")
