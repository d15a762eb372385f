"""Load as part of a rehearsal, and alone: the command, the record, the verdict."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.loading import load
from harness.model.load import LoadPlayed
from harness.model.record import Record
from tests.conftest import Rehearse

SCENARIO = "tests/load/scenario.py"


def played(folder: Path) -> list[LoadPlayed]:
    return Record(folder / "reports" / "scenario" / "latest").all(LoadPlayed)


def test_other_users_are_played_while_the_batch_is_at_work_and_their_harm_is_a_finding(
    rehearse: Rehearse, tmp_path: Path
) -> None:
    run = rehearse("run", f"{SCENARIO}:Batch", "--stage", "process", "--probes", "none", "--json")
    assert run.returncode == 1, run.stderr
    report = json.loads(run.stdout)
    assert [found["code"] for found in report["findings"]] == ["LOAD-003"]
    (background,) = played(tmp_path)
    assert background.steps[0].failed > 10 and background.during is not None


def test_one_request_for_each_user_instead_of_a_button_and_its_answers_are_the_batchs_word(
    rehearse: Rehearse, tmp_path: Path
) -> None:
    run = rehearse("load", f"{SCENARIO}:Caller", "--stage", "process", "--workers", "1", "--json")
    report = json.loads(run.stdout)
    unseen = " ".join(one["probe"] + one["why"] for one in report["not_checked"])
    assert not report["findings"], run.stderr
    (items,) = played(tmp_path)
    assert (items.steps[0].asked, items.steps[0].ok) == (60, 60)
    record = Record(tmp_path / "reports" / "scenario" / "latest")
    assert sorted(record.table("items-1")["item"]) == sorted(record.table("effects-1")["item"])
    assert run.returncode == (3 if "starved" in unseen or "went out late" in unseen else 0), unseen


def bad(tmp_path: Path, line: str) -> UsageError:
    file = tmp_path / "bad.py"
    (tmp_path / "tests" / "load").mkdir(parents=True)
    text = Path(SCENARIO).read_text().split("class Batch")[0]
    file.write_text(text.replace("    downstream =", f"    {line}\n    downstream ="))
    with pytest.raises(UsageError) as caught:
        load(f"{file}:Caller")
    return caught.value


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        ('background = Load(shop, "GET", "/")', "give arrival='open' and a rate"),
        ('background = Load(shop, "GET", "/", rate=3)', "an open arrival has a rate"),
        ('background = "GET /"', "is no harness.Load"),
        ('background = Load(Service(port=1), "GET", "/", arrival="open", rate=1)', "none of the scenario's"),
        ('background = Load(shop, "GET", "pay", arrival="open", rate=1)', "begins with /"),
    ],
)
def test_a_load_that_cannot_be_played_is_told_before_anything_is_started(
    tmp_path: Path, line: str, seen: str
) -> None:
    assert seen in bad(tmp_path, line).seen


def test_a_mode_that_the_scenario_says_nothing_of_is_told(rehearse: Rehearse) -> None:
    run = rehearse("load", f"{SCENARIO}:Batch", "--mode", "items", "--stage", "process")
    assert run.returncode == 2 and "says nothing of items" in run.stderr


def test_a_worker_whose_master_is_not_there_is_told_what_to_start(rehearse: Rehearse) -> None:
    run = rehearse("worker", "--master", "127.0.0.1", "--port", "1", "--wait", "0s")
    assert run.returncode == 5 and "rehearse load" in run.stderr


def test_load_is_not_sent_to_another_machine_by_a_name_for_this_one(rehearse: Rehearse) -> None:
    run = rehearse("load", f"{SCENARIO}:Caller", "--stage", "process", "--reach", "203.0.113.7")
    assert run.returncode == 6 and "not this machine" in run.stderr
