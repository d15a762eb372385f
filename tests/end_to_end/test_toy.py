"""The whole way from a scenario file to exit codes, with a batch that fits into one file."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from tests.conftest import REHEARSE, ROOT, Rehearse

TOY = (ROOT / "tests/toy/scenario.py").read_text()


@pytest.fixture
def variant(request: pytest.FixtureRequest) -> Path:
    """A place for a variant of the toy scenario, inside the project so that its paths hold."""
    path = ROOT / "tests" / "toy" / f"variant_{request.node.name.partition('[')[0]}_{id(request)}.py"
    request.addfinalizer(lambda: path.unlink(missing_ok=True))
    return path


def with_env(**env: str) -> str:
    return TOY.replace('cwd="tests/toy")', f'cwd="tests/toy", env={env!r})')


def toys_running() -> list[psutil.Process]:
    toys = [
        p for p in psutil.process_iter(["cmdline", "cwd"]) if (p.info["cmdline"] or [])[1:2] == ["batch.py"]
    ]
    return [toy for toy in toys if toy.info["cwd"] == str(ROOT / "tests/toy")]


def report_of(run: subprocess.CompletedProcess[str]) -> dict:
    return json.loads(run.stdout)


def test_a_batch_that_does_what_it_says_is_ready(rehearse: Rehearse) -> None:
    run = rehearse("run", "tests/toy/scenario.py", "--stage", "process", "--json")
    assert run.returncode == 0, run.stderr
    report = report_of(run)
    assert report["verdict"] == "ready"
    assert report["findings"] == []
    assert {unseen["probe"] for unseen in report["not_checked"]} == {
        "when the button is pressed while the batch is at work",
        "when batch is killed (kill -9) at work and the button is pressed again",
        "memory growth of batch",
        "how time grows with the users",
        "oom",
    }
    assert report["scales"] == [1, 2]


@pytest.mark.parametrize(
    ("env", "code", "count"), [({"TOY_LOSE": "5"}, "LOST-001", 4), ({"TOY_PAY_TWICE": "4"}, "DUP-001", 5)]
)
def test_an_item_lost_or_done_twice_behind_a_200_is_critical(
    variant: Path, rehearse: Rehearse, env: dict[str, str], code: str, count: int
) -> None:
    variant.write_text(with_env(**env))
    run = rehearse("run", variant, "--stage", "process", "--json")
    assert run.returncode == 1
    finding = report_of(run)["findings"][0]
    assert (finding["code"], finding["severity"], finding["counts"]["2x"]) == (code, "critical", count)


@pytest.mark.alone
@pytest.mark.parametrize(
    ("was", "becomes", "says"),
    [
        ("port=8000", "prot=8000", "prot"),
        ("usual, scales = 10, (1, 2)", "usuall, scales = 10, (1, 2)", "did you mean 'usual'"),
        ("usual, scales = 10, (1, 2)", "usual, scales = 10, (2, 1)", "ascending"),
        ("class Toy(Scenario):", "class Toy(Scenario:", "SyntaxError"),
        ("live.batch.post", "live.bacth.post", "no service 'bacth'"),
        ('cwd="tests/toy"', 'cwd="tests/toys"', "tests/toys"),
        ("[Outcome(item, said)", "[Outcom(item, said)", "Outcom"),
        ("ready=", "calls=[Service(port=1, image='x', name='ledger')], ready=", "does not have"),
        ('memory="64 MiB"', 'memory="64 MoB"', "64 MoB"),
        ("{port}", "{prot}", "{prot}"),
        ('return live.batch.post("/run", json=[user.id for user in users])', "pass", "returned NoneType"),
    ],
)
def test_a_mistake_in_the_scenario_file_is_told_and_ends_with_2(
    variant: Path, rehearse: Rehearse, was: str, becomes: str, says: str
) -> None:
    assert was in TOY
    variant.write_text(TOY.replace(was, becomes))
    run = rehearse("run", variant, "--stage", "process")
    said = " ".join(run.stderr.split())
    assert run.returncode == 2, said
    assert says in said and "fix:" in said
    assert "Traceback" not in said
    assert not toys_running()


def test_the_line_of_a_mistake_is_named(variant: Path, rehearse: Rehearse) -> None:
    variant.write_text(TOY.replace("live.batch.post", "live.bacth.post"))
    line = next(n for n, row in enumerate(variant.read_text().splitlines(), 1) if "bacth" in row)
    run = rehearse("run", variant, "--stage", "process")
    assert f"{variant.name}:{line}" in "".join(run.stderr.split())


def test_a_service_that_ends_at_once_is_told_with_its_last_lines(variant: Path, rehearse: Rehearse) -> None:
    variant.write_text(with_env(TOY_DIE="1"))
    run = rehearse("run", variant, "--stage", "process")
    assert run.returncode == 5
    assert "exit code 7" in run.stderr and "no database at db:5432" in run.stderr


@pytest.mark.alone
def test_a_service_that_never_becomes_ready_is_told_and_ended(variant: Path, rehearse: Rehearse) -> None:
    variant.write_text(with_env(TOY_NEVER_READY="1").replace("ready=", "ready_within='2s', ready="))
    run = rehearse("run", variant, "--stage", "process")
    assert run.returncode == 5
    assert "status 503" in " ".join(run.stderr.split()) and "'batch'" in run.stderr
    assert not toys_running()


def test_a_port_that_is_taken_is_told_with_its_holder(variant: Path, rehearse: Rehearse) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        variant.write_text(TOY.replace("{port}", str(port)).replace("port=8000", f"port={port}"))
        run = rehearse("run", variant, "--stage", "process")
    assert run.returncode == 5
    said = " ".join(run.stderr.split())
    assert f"port {port}" in said and "taken" in said and "listens there" in said


def test_a_command_that_is_not_there_is_told(variant: Path, rehearse: Rehearse) -> None:
    variant.write_text(TOY.replace("python batch.py", "no-such-program"))
    run = rehearse("run", variant, "--stage", "process")
    assert run.returncode == 5
    assert "no-such-program" in run.stderr


@pytest.mark.alone
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_it_removes_everything_and_leaves_a_report(
    tmp_path: Path, number: int, code: int
) -> None:
    slow = [
        "run",
        "tests/toy/scenario.py",
        "--stage",
        "process",
        "--users",
        "2000",
        "--scales",
        "1,2,3,4,5,6,7,8",
    ]
    process = subprocess.Popen(
        [*REHEARSE, *slow, "--out", str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 20
    while not toys_running() and time.monotonic() < deadline:
        time.sleep(0.02)
    mine = toys_running()
    process.send_signal(number)
    _, said = process.communicate(timeout=20)
    assert process.returncode == code, said
    assert mine and not psutil.wait_procs(mine, timeout=5)[1]
    report = json.loads((tmp_path / "scenario" / "latest" / "report.json").read_text())
    assert report["verdict"] == "inconclusive"
    assert "interrupted" in report["not_checked"][-1]["why"]


def test_a_batch_that_does_again_what_it_has_done_is_critical(rehearse: Rehearse, variant: Path) -> None:
    variant.write_text(with_env(TOY_AGAIN="1"))
    run = rehearse("run", variant, "--stage", "process", "--scales", "1", "--json")
    codes = {finding["code"]: finding["counts"] for finding in report_of(run)["findings"]}
    assert run.returncode == 1
    assert codes["DUP-003"] == {"press 1": 0, "press 2": 10}
    assert codes["DUP-004"] == {"press 1": 0, "press 2": 10}


def test_probes_can_be_left_out_and_that_is_told(rehearse: Rehearse, variant: Path) -> None:
    variant.write_text(with_env(TOY_AGAIN="1"))
    run = rehearse("run", variant, "--stage", "process", "--scales", "1", "--probes", "none", "--json")
    assert run.returncode == 0
    assert {"edges", "rerun"} <= {unseen["probe"] for unseen in report_of(run)["not_checked"]}
    assert rehearse("run", variant, "--probes", "reruns").returncode == 2


def test_a_batch_that_hangs_ends_its_scale_and_not_the_rehearsal(rehearse: Rehearse, variant: Path) -> None:
    hangs = TOY.replace(".json()), 0, False)", ".json()), 0, True)").replace(
        "quiet =", 'patience = "0.3s"\n    quiet ='
    )
    variant.write_text(hangs)
    run = rehearse("run", variant, "--stage", "process", "--probes", "none", "--json")
    report = report_of(run)
    stop = next(finding for finding in report["findings"] if finding["code"] == "STOP-002")
    assert run.returncode == 1
    assert stop["counts"] == {"1x": 0, "2x": 0} and "hangs" in stop["title"]


def test_without_a_ledger_pressing_again_is_not_seen_and_never_ready(
    rehearse: Rehearse, variant: Path
) -> None:
    variant.write_text(TOY.replace("def effects", "def _effects"))
    run = rehearse("run", variant, "--stage", "process", "--scales", "1", "--json")
    assert run.returncode == 3
    unseen = {unseen["probe"]: unseen["why"] for unseen in report_of(run)["not_checked"]}
    assert "no effects()" in unseen["rerun"] and "no effects()" in unseen["effects"]


def test_a_spent_time_budget_ends_with_124(rehearse: Rehearse, variant: Path) -> None:
    variant.write_text(TOY.replace("Progress(len(", "Progress(0 * len(").replace("0, False)", "0, True)"))
    run = rehearse("run", variant, "--stage", "process", "--budget", "3s")
    assert run.returncode == 124
    assert "still runs" in " ".join(run.stderr.split())


def test_a_ledger_that_cannot_be_read_is_never_ready(rehearse: Rehearse, variant: Path) -> None:
    variant.write_text(TOY.replace('"/ledger"', '"/nothing"'))
    run = rehearse("run", variant, "--stage", "process", "--json")
    assert run.returncode == 3
    assert report_of(run)["verdict"] == "inconclusive"
    assert "effects" in [unseen["probe"] for unseen in report_of(run)["not_checked"]]


def test_the_record_can_be_judged_again_and_says_the_same(tmp_path: Path, rehearse: Rehearse) -> None:
    first = rehearse("run", "tests/toy/scenario.py", "--stage", "process", "--json")
    again = rehearse("judge", tmp_path / "reports/scenario/latest", "--json")
    assert again.returncode == 0
    assert report_of(again) == report_of(first)
