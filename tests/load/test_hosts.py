"""Workers on hosts of their own: network namespaces, each with its link to the master's. `make load-hosts` runs it.

One worker is killed and replaced by its `rehearse worker`; one is cut off (its link goes down) and comes back or not.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from harness.model.record import Record
from tests.conftest import REHEARSE, ROOT
from tests.load.plays import Recorder, recorder, said

COUNT, PORT = 6000, 5557
HUB = "10.213.7.1"

pytestmark = [
    pytest.mark.skipif(not os.environ.get("LOAD_HOSTS"), reason="takes a minute; `make load-hosts` runs it"),
    pytest.mark.timeout(400),
]


def run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)


@dataclass
class Hosts:
    """A namespace for the master and the downstream, and one for each worker, all on one bridge."""

    name: str
    count: int

    @property
    def hub(self) -> str:
        return f"{self.name}-hub"

    def at(self, host: str) -> tuple[str, ...]:
        return ("ip", "netns", "exec", host)

    def worker(self, number: int) -> str:
        return f"{self.name}-w{number}"

    def link(self, number: int, state: str) -> None:
        run(*self.at(self.hub), "ip", "link", "set", f"v{number}", state)


@contextmanager
def hosts(count: int) -> Iterator[Hosts]:
    if os.geteuid() or not shutil.which("ip"):
        pytest.skip("network namespaces need root and iproute2")
    made = Hosts(f"rl{os.getpid()}", count)
    with ExitStack() as stack:

        def namespace(name: str) -> None:
            run("ip", "netns", "add", name)
            stack.callback(run, "ip", "netns", "delete", name)
            run(*made.at(name), "ip", "link", "set", "lo", "up")

        namespace(made.hub)
        run(*made.at(made.hub), "ip", "link", "add", "br0", "type", "bridge")
        run(*made.at(made.hub), "ip", "addr", "add", f"{HUB}/24", "dev", "br0")
        run(*made.at(made.hub), "ip", "link", "set", "br0", "up")
        for number in range(1, count + 1):
            host = made.worker(number)
            namespace(host)
            inside = (
                "ip",
                "link",
                "add",
                f"v{number}",
                "type",
                "veth",
                "peer",
                "name",
                "eth0",
                "netns",
                host,
            )
            run(*made.at(made.hub), *inside)
            run(*made.at(made.hub), "ip", "link", "set", f"v{number}", "master", "br0", "up")
            run(*made.at(host), "ip", "addr", "add", f"10.213.7.{10 + number}/24", "dev", "eth0")
            run(*made.at(host), "ip", "link", "set", "eth0", "up")
        yield made


@dataclass
class Play:
    """A play under way in the hub, with a `rehearse worker` on each host."""

    folder: Path
    hub: subprocess.Popen[str]
    workers: list[subprocess.Popen[bytes]]
    downstream: Recorder

    def notes(self) -> list[dict[str, object]]:
        path = self.folder / "play" / "notes.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def has(self, what: str) -> bool:
        return any(note["what"] == what for note in self.notes())

    def until(self, what: str) -> None:
        self.wait(lambda: self.has(what))

    def wait(self, reached: object) -> None:
        end = time.monotonic() + 120
        while not reached():  # type: ignore[operator]
            assert self.hub.poll() is None or self.has("end"), "the hub ended"
            assert time.monotonic() < end, self.notes()[-3:]
            time.sleep(0.02)

    def arrived(self, count: int) -> None:
        self.wait(lambda: len(self.downstream.lines()) >= count)


@contextmanager
def play(there: Hosts, folder: Path) -> Iterator[Play]:
    with ExitStack() as stack:
        downstream = stack.enter_context(recorder(folder, "0.02", there.at(there.hub), HUB))
        words = [str(folder / "play"), downstream.base, str(COUNT), str(there.count), str(PORT)]
        hub = stack.enter_context(
            subprocess.Popen(
                [*there.at(there.hub), sys.executable, "-m", "tests.load.hub", *words],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
        stack.callback(hub.terminate)
        joined = []
        for number in range(1, there.count + 1):
            words = ["worker", "--master", HUB, "--port", str(PORT), "--count", "1"]
            joined.append(
                stack.enter_context(
                    subprocess.Popen([*there.at(there.worker(number)), *REHEARSE, *words], cwd=ROOT)
                )
            )
            stack.callback(joined[-1].terminate)
        yield Play(folder, hub, joined, downstream)


def kill(supervisor: subprocess.Popen[bytes]) -> None:
    """SIGKILL for the Locust process below a `rehearse worker`."""
    (victim,) = (
        child
        for child in psutil.Process(supervisor.pid).children(recursive=True)
        if "locust" in " ".join(child.cmdline()) and "--worker" in child.cmdline()
    )
    victim.send_signal(signal.SIGKILL)


def must_hold(on: Play) -> list[int]:
    """Nothing twice, nothing lost without a word; gives the items that are unknown."""
    arrived, told = on.downstream.ids(), said(on.folder / "play")
    assert max(arrived.values()) == 1, "an item was sent twice"
    assert sorted(told) == list(range(COUNT)), "an item was lost without a word"
    assert {index for index, word in told.items() if word == "ok"} <= arrived.keys()
    return [index for index, word in told.items() if word == "unknown"]


def test_one_worker_is_killed_and_one_cut_off_for_good(tmp_path: Path) -> None:
    with hosts(3) as there, play(there, tmp_path) as on:
        on.until("step")
        on.arrived(600)
        kill(on.workers[0])
        on.arrived(1500)
        there.link(2, "down")
        on.until("end")
        assert on.has("will") and on.has("lost") and not on.has("back")
        on.hub.wait(30)
        unknown = must_hold(on)
        dark = sum(int(str(note["dark"])) for note in on.notes() if note["what"] == "lost")
        print(f"killed and cut off: {len(unknown)} unknown, {dark} of them in the dark with the one cut off")
        assert len(unknown) <= dark + 12
        assert on.workers[0].wait(60) == 0 and on.workers[2].wait(60) == 0


def test_a_worker_that_was_cut_off_and_comes_back_tells_what_became_of_its_items(tmp_path: Path) -> None:
    with hosts(2) as there, play(there, tmp_path) as on:
        on.until("step")
        on.arrived(600)
        there.link(2, "down")
        on.until("lost")
        there.link(2, "up")
        on.until("back")
        on.until("end")
        on.hub.wait(30)
        unknown = must_hold(on)
        print(f"cut off and back: {len(unknown)} unknown")
        assert len(unknown) <= 12, "only what was under way when the link went down"
        assert [worker.wait(60) for worker in on.workers] == [0, 0]


def test_a_rehearsal_of_load_with_all_its_workers_on_other_hosts(tmp_path: Path) -> None:
    words = ["load", "tests/load/scenario.py:Wide", "--workers", "2", "--here", "0", "--bind", "0.0.0.0"]
    words += ["--reach", HUB, "--stage", "process", "--users", "300", "--out", str(tmp_path), "--json"]
    with hosts(2) as there, ExitStack() as stack:
        hub = stack.enter_context(
            subprocess.Popen(
                [*there.at(there.hub), *REHEARSE, *words], cwd=ROOT, stdout=subprocess.PIPE, text=True
            )
        )
        stack.callback(hub.terminate)
        joined = [
            stack.enter_context(
                subprocess.Popen(
                    [*there.at(there.worker(number)), *REHEARSE, "worker", "--master", HUB], cwd=ROOT
                )
            )
            for number in (1, 2)
        ]
        report = json.loads(hub.communicate(timeout=120)[0])
        assert [worker.wait(60) for worker in joined] == [0, 0]
    assert not report["findings"], report
    table = Record(tmp_path / "scenario" / "latest").table("load-1")
    assert len(set(table["item"])) == len(table["item"]) == 300
    assert set(table["worker"]) == {1, 2}, "both hosts sent some"
