"""Locust's master and workers as children: each user once, whatever dies. The downstream counts what arrives."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from msgspec.structs import replace

from harness.drive.locust.fleet import Fleet
from harness.drive.locust.results import blocks
from harness.drive.locust.terms import Step
from harness.errors import HarnessError
from tests.load.plays import Recorder, order, recorder, said, soon

KILLS = int(os.environ.get("KILLS", "1"))


@pytest.fixture
def downstream(tmp_path: Path) -> Iterator[Recorder]:
    with recorder(tmp_path) as found:
        yield found


def until(lines: int, downstream: Recorder) -> None:
    end = time.monotonic() + 60
    while len(downstream.lines()) < lines:
        assert time.monotonic() < end
        time.sleep(0.002)


def killed_once(folder: Path, downstream: Recorder, chance: random.Random) -> dict[str, object]:
    """One play in which a worker is killed once a random number of items has arrived. What must hold is asserted."""
    count = 1200
    steps = order(downstream.base, Step(first=0, count=count, concurrency=16))
    before = len(downstream.lines())
    with Fleet(steps, folder) as fleet:
        assert fleet.workers is not None
        fleet.begun(soon())
        at = chance.randrange(count - 50)
        until(before + at, downstream)
        time.sleep(chance.random() * 0.01)
        victim = chance.choice(fleet.workers.children)
        victim.process.send_signal(signal.SIGKILL)
        victim.process.wait()
        fleet.wait(soon())
        deaths = fleet.workers.deaths
        dark = sum(note["dark"] for note in fleet.of("lost"))
        again = next(fleet.of("end"))["count"]["again"]
    arrived, told = downstream.ids(), said(folder)
    downstream.log.write_text("")
    assert max(arrived.values()) == 1, "an item was sent twice"
    assert sorted(told) == list(range(count)), "an item was lost without a word"
    assert {index for index, word in told.items() if word == "ok"} <= arrived.keys()
    assert arrived.keys() <= told.keys() and "failed" not in told.values()
    unknown = [index for index, word in told.items() if word == "unknown"]
    assert deaths <= 1 and len(unknown) <= 16 + dark, "only what was under way is unknown"
    return {
        "killed at": at,
        "dealt again": again,
        "unknown": len(unknown),
        "of these arrived": sum(index in arrived for index in unknown),
    }


def test_a_worker_is_killed_at_a_random_moment_and_no_item_is_sent_twice_or_lost(
    tmp_path: Path, downstream: Recorder
) -> None:
    chance = random.Random(os.environ.get("KILL_SEED", "9"))
    table = []
    for number in range(KILLS):
        table.append(killed_once(tmp_path / f"{number}", downstream, chance))
        print(number, table[-1], flush=True)
    if os.environ.get("WRITE_TABLE"):
        write_table(table)


def write_table(table: list[dict[str, object]]) -> None:
    """Keeps what the run has shown in tests/load/kills.md."""
    names = list(table[0])
    rows = [
        f"| {number} | {' | '.join(str(row[name]) for name in names)} |"
        for number, row in enumerate(table, 1)
    ]
    total = {name: sum(int(str(row[name])) for row in table) for name in names}
    text = [
        "# A worker killed at a random moment",
        "",
        "Written by `make load-kills`. 1,200 items, two workers, 16 at once; SIGKILL once so many had arrived.",
        "In each run no item arrived twice at the recording server, and each was told of: ok, or unknown.",
        "",
        f"| run | {' | '.join(names)} |",
        "|---|" + "---|" * len(names),
        *rows,
        "",
        f"{len(table)} runs: {total['unknown']} items unknown, of which {total['of these arrived']} had arrived;"
        f" {total['dealt again']} dealt to another worker; 0 sent twice, 0 lost.",
    ]
    Path(__file__).with_name("kills.md").write_text("\n".join(text) + "\n")


def test_an_open_arrival_keeps_its_rate_and_counts_latency_from_the_time_an_item_was_due(
    tmp_path: Path,
) -> None:
    """Four seats of 0.1 s each carry 40 a second: at 80 a second the wait grows, and the latency must tell it."""
    with recorder(tmp_path, "0.1/4") as downstream:
        steps = order(downstream.base, Step(first=0, count=160, concurrency=8, rate=80.0), workers=1)
        with Fleet(steps, tmp_path / "play") as fleet:
            fleet.wait(soon())
        found = list(blocks(tmp_path / "play" / "results.bin"))
    due = {int(index): row for block in found for index, row in zip(block.indexes, block.rows, strict=True)}
    assert sorted(due) == list(range(160))
    for index, row in due.items():
        assert row["due"] - due[0]["due"] == pytest.approx(index / 80, abs=1e-3)
    first, last = due[0], due[159]
    assert last["late"] + last["took"] > first["late"] + first["took"] + 1, "the queue is not in the latency"
    assert last["late"] > 0.5, "with 8 in flight the last could not be sent in time"
    gauge = max(fleet.of("gauge"), key=lambda note: note["worker"])
    assert gauge["queued"] > 20 > gauge["late"], "who was late because no user was free is told apart"


def test_an_answer_that_does_not_come_leaves_the_item_unknown_and_it_is_not_sent_again(
    tmp_path: Path,
) -> None:
    with recorder(tmp_path, "0") as downstream:
        put = {"method": "PUT", "json": {"id": "{id}", "answer": "close"}}
        with Fleet(
            order(downstream.base, Step(first=0, count=20, concurrency=4), workers=1, **put),
            tmp_path / "play",
        ) as fleet:
            fleet.wait(soon())
        assert set(said(tmp_path / "play").values()) == {"unknown"}
        assert set(downstream.ids().values()) == {1}, "a PUT may be repeated by a client; an item may not"


OWN_FILE = """
from locust import FastHttpUser, task
from harness.locust_users import next_user

class Caller(FastHttpUser):
    @task
    def pay(self):
        with next_user() as user:
            if user.index == 3:
                self.client.put(f"/pay/{user.id}", data='"answer":"close"')
            elif user.index == 4:
                self.client.post(f"/pay/{user.id}", data='"answer":503')
            elif user.index == 5:
                raise ValueError("before it was sent")
            else:
                self.client.post(f"/pay/{user.id}", json={"amount": user.amount})
"""


def test_a_readers_own_locustfile_gets_each_user_once_and_its_requests_tell_the_ends(
    tmp_path: Path, downstream: Recorder
) -> None:
    own = tmp_path / "own.py"
    own.write_text(OWN_FILE)
    dealt = order(downstream.base, Step(first=0, count=60, concurrency=6))
    steps = replace(dealt, request=None, host=downstream.base)
    with Fleet(steps, tmp_path / "play", locustfile=own) as fleet:
        fleet.wait(soon())
    told = said(tmp_path / "play")
    assert sorted(told) == list(range(60))
    assert {index: word for index, word in told.items() if word != "ok"} == {
        3: "unknown",
        4: "failed",
        5: "failed",
    }
    assert downstream.ids() == Counter(set(range(60)) - {5})


def test_the_children_end_when_the_parent_is_killed(tmp_path: Path, downstream: Recorder) -> None:
    pid = os.fork()
    if not pid:
        steps = order(downstream.base, Step(first=0, count=10_000_000, concurrency=2), workers=1)
        Fleet(steps, tmp_path / "play").__enter__().begun(soon())
        (tmp_path / "up").touch()
        time.sleep(300)
        os._exit(0)
    end = time.monotonic() + 60
    while not (tmp_path / "up").exists() and time.monotonic() < end:
        time.sleep(0.05)
    children = psutil.Process(pid).children(recursive=True)
    assert len(children) == 2
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    assert not psutil.wait_procs(children, timeout=30)[1]


def test_a_master_that_cannot_run_is_told_with_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="Could not find"):
        steps = order("http://127.0.0.1:1", Step(first=0, count=1, concurrency=1))
        Fleet(steps, tmp_path / "play", locustfile=tmp_path / "none.py").__enter__()
