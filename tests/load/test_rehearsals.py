"""Load as part of a rehearsal, and alone: the command, the record, the verdict."""

from __future__ import annotations

import json
import socket
import subprocess
from pathlib import Path

import pytest

from harness import under_load
from harness.errors import UsageError
from harness.judgement import judge
from harness.loading import load
from harness.model.events import Pressed, StageUp
from harness.model.load import LoadPlayed
from harness.model.record import Record
from tests.conftest import REHEARSE, ROOT, Rehearse
from tests.end_to_end.friday import hold_rehearsal

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


def test_one_request_for_each_user_by_a_worker_that_joins_and_its_answers_are_the_batchs_word(
    rehearse: Rehearse, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    words = ["worker", "--master", "127.0.0.1", "--port", port, "--json"]
    with subprocess.Popen([*REHEARSE, *words], cwd=ROOT, stdout=subprocess.PIPE, text=True) as joins:
        try:
            words = ["--stage", "process", "--workers", "1", "--here", "0", "--port", port, "--json"]
            run = rehearse("load", f"{SCENARIO}:Caller", *words)
            told, _ = joins.communicate(timeout=60)
        finally:
            joins.terminate()
    assert joins.returncode == 0
    assert json.loads(told) == {"master": f"127.0.0.1:{port}", "workers": 1, "replaced": 0}
    report = json.loads(run.stdout)
    unseen = " ".join(one["probe"] + one["why"] for one in report["not_checked"])
    assert not report["findings"], run.stderr
    (items,) = played(tmp_path)
    assert (items.steps[0].asked, items.steps[0].ok) == (60, 60)
    record = Record(tmp_path / "reports" / "scenario" / "latest")
    assert sorted(record.table("items-1")["item"]) == sorted(record.table("effects-1")["item"])
    assert run.returncode == (3 if "starved" in unseen or "went out late" in unseen else 0), unseen


def test_beside_a_trigger_the_items_are_played_after_it_on_a_stage_of_their_own(
    rehearse: Rehearse, tmp_path: Path
) -> None:
    run = rehearse("run", f"{SCENARIO}:Both", "--stage", "process", "--probes", "load", "--json")
    report = json.loads(run.stdout)
    assert not report["findings"], run.stderr
    record = Record(tmp_path / "reports" / "scenario" / "latest")
    assert [up.purpose for up in record.all(StageUp)] == ["1x", "items"]
    (press,) = record.all(Pressed)
    assert press.accepted and press.done == 60, "the button is pressed as ever"
    (items,) = played(tmp_path)
    assert (items.kind, items.key, items.steps[0].asked, items.steps[0].ok) == ("items", "items", 60, 60)
    assert sorted(record.table("load-items")["item"]) == sorted(record.table("intended")["item"])
    assert report["measurements"]["load items: sent"] == 60


def test_a_downstream_alone_is_played_at_multiples_and_where_it_breaks_is_a_finding(
    rehearse: Rehearse, tmp_path: Path
) -> None:
    """It has three seats and a tenth of a second of patience: two at once find one, forty do not."""
    words = ["--mode", "downstream", "--times", "1,20", "--stage", "process", "--json"]
    run = rehearse("load", f"{SCENARIO}:Batch", *words)
    (found,) = [one for one in json.loads(run.stdout)["findings"] if one["code"] == "LOAD-001"]
    edge = found["breaks_at"]
    assert (edge["last_passing"], edge["first_failing"], edge["unit"]) == (2, 40, "at once")
    (alone,) = played(tmp_path)
    assert [(step.concurrency, step.reached) for step in alone.steps] == [(2, 50), (40, 1000)]
    record = Record(tmp_path / "reports" / "scenario" / "latest")
    assert [up.purpose for up in record.all(StageUp)] == ["downstream"], "nothing else is pressed"


def test_users_who_run_out_before_the_load_is_to_end_are_an_error_and_nobody_is_sent_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(under_load, "LONGEST", 24)  # two seconds of them; the batch needs longer
    scenario = load(f"{SCENARIO}:Batch").scenario
    record = hold_rehearsal(scenario, tmp_path / "run", "process", 80)
    (background,) = record.all(LoadPlayed)
    assert background.ran_out and background.steps[0].reached == 24
    items = record.table("load-background-1")["item"]
    assert len(items) == len(set(items)) == 24 and not {*items} & {*record.table("intended")["item"]}
    verdict = judge(record)
    (told,) = [
        one for one in verdict.not_checked if one.why == "the users ran out before the load was to end"
    ]
    assert told.decisive and verdict.verdict != "ready"


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
