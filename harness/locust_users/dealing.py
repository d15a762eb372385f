"""The master's side: deals out leases over Locust's connections, and writes down what came of each item.

`results.bin` gets a block for each settled lease, `notes.jsonl` a line for what else happened; the parent reads
both while they grow. What is kept in memory is the leases that are out.
"""

from __future__ import annotations

import json
import math
import os
import time
from pathlib import Path
from typing import Any

import gevent
import msgspec
from locust import runners
from locust.rpc import Message

from harness.drive.locust import terms
from harness.drive.locust.leases import Leases
from harness.drive.locust.terms import BLOCK, Lease, Order
from harness.locust_users.gauge import Gauge

PACE = 0.1
TELL_EVERY = 0.25
HEAD_START = 0.6
"""Seconds until the first item of a step is due: a lease has to reach its worker."""

runners.HEARTBEAT_LIVENESS = 10
"""Locust stops the whole test when its last worker is silent for 3 s: a busy machine is."""


class Dealer:
    """The dealer; `runner` is Locust's master. Ends the play when all is through, or the file `stop` is there."""

    def __init__(self, environment: Any, runner: Any) -> None:
        self.environment, self.runner = environment, runner
        self.folder = Path(os.environ[terms.FOLDER])
        self.order = msgspec.json.decode((self.folder / "order.json").read_bytes(), type=Order)
        self.leases = Leases(self.order.steps, self.order.workers, self.order.most)
        self.results = (self.folder / "results.bin").open("ab")
        self.notes = (self.folder / "notes.jsonl").open("a")
        self.workers: dict[str, int] = {}
        self.last_heard: dict[str, float] = {}
        self.lost: set[str] = set()
        self.lost_at = 0.0
        self.dead: set[str] = set()
        self.gauges: dict[int, dict[str, float]] = {}
        self.own, self.began, self.told = Gauge(), 0.0, 0.0
        for name, listener in (
            (terms.ASK, self._asked),
            (terms.REPORT, self._reported),
            (terms.WILL, self._will),
        ):
            runner.register_message(name, listener)

    @property
    def now(self) -> float:
        """Seconds of the play; 0 until the first user is dealt."""
        return time.monotonic() - self.began if self.began else 0.0

    def start(self) -> None:
        """Begins to deal."""
        self._note("listening", port=self.runner.server.port)
        gevent.spawn(self.own.watch)
        gevent.spawn(self._run)

    def _note(self, what: str, **facts: Any) -> None:
        self.notes.write(json.dumps({"what": what, "t": round(self.now, 4), **facts}) + "\n")
        self.notes.flush()

    def _run(self) -> None:
        """The steps, one after the other; then the end."""
        while len(self.gauges) < self.order.workers:
            gevent.sleep(PACE)
        self.began = time.monotonic()
        self.own.begin()
        for number, step in enumerate(self.order.steps):
            self._employ(step.concurrency)
            self.leases.begin(self.now + (HEAD_START if step.rate else 0.0))
            self._note("step", number=number, concurrency=step.concurrency, rate=step.rate)
            while not self._over() and not self._told_to_stop():
                gevent.sleep(PACE)
                self._look_for_lost()
                self._employ(step.concurrency)
                self._tell_progress()
            if self.order.open_ended and not self._told_to_stop():
                self._note("ran_out")
                while not self._told_to_stop():
                    gevent.sleep(PACE)
            self._note("step_done", number=number, count=self._count())
            if self._told_to_stop():
                break
        self._end()

    def _over(self) -> bool:
        """Whether all is through; a lost worker is waited for a while, since only its slate knows of its items."""
        waited = time.monotonic() - self.lost_at
        return self.leases.through and (not self.leases.out or waited > terms.GRACE)

    def _employ(self, users: int) -> None:
        """Sees to it that so many users are at work, whatever Locust has made of it meanwhile."""
        runner = self.runner
        idle = runner.state in ("ready", "stopped") or runner.target_user_count != users
        if idle and runner.state != "spawning" and runner.worker_count:
            runner.start(users, spawn_rate=max(users, 1) * 10)

    def _told_to_stop(self) -> bool:
        return (self.folder / "stop").exists()

    def _tell_progress(self) -> None:
        if self.now - self.told > TELL_EVERY:
            self.told = self.now
            self._note("progress", count=self._count())

    def _count(self) -> dict[str, int]:
        count = self.leases.count
        return {
            "ok": count[terms.OK],
            "failed": count[terms.FAILED],
            "unknown": count[terms.UNKNOWN],
            "out": self.leases.out,
            "again": self.leases.dealt_again,
        }

    def _end(self) -> None:
        """Waits a little for those at work, then writes down what nobody can be asked about."""
        until = time.monotonic() + (terms.FENCE if self.order.open_ended else 0.0)
        self.leases.close()
        while self.leases.waiting and time.monotonic() < until:
            gevent.sleep(PACE)
            self._look_for_lost()
        for lease, rows in self.leases.give_up():
            self._keep(lease, rows, 0)
        self.results.flush()
        self.gauges[0] = self.own.reading()
        for worker, reading in sorted(self.gauges.items()):
            self._note("gauge", worker=worker, **{name: round(value, 5) for name, value in reading.items()})
        self._note("end", count=self._count())
        self.environment.process_exit_code = 0
        self.runner.quit()

    # what the workers say

    def _asked(self, environment: Any, msg: Any) -> None:
        worker = self._meet(msg.node_id)
        if worker in self.dead:
            return
        if not msg.data["wanted"]:
            order = msgspec.json.encode(self.order).decode()
            self.runner.send_message(terms.ORDER, {"order": order}, worker)
            return
        lease = self.leases.grant(worker, msg.data["wanted"], self.now) if self.began else None
        if lease is not None:
            told = {"lease": msgspec.json.encode(lease).decode(), "now": self.now, "clock": time.monotonic()}
            self.runner.send_message(terms.LEASE, told, worker)

    def _reported(self, environment: Any, msg: Any) -> None:
        worker, told = self._meet(msg.node_id), msg.data
        for number, rows in told["final"].items():
            self._settle(number, rows, worker)
        for number, rows in told["partial"].items():
            self.leases.heard(number, rows)
        self._take_back(worker, {*told["final"], *told["partial"]}, self.now - terms.LOST)
        self.gauges[self.workers[worker]] = told["gauge"]
        self._hear(worker, told["sent_at"], list(told["final"]), [])

    def _will(self, environment: Any, msg: Any) -> None:
        worker = self._meet(msg.node_id)
        for number, rows in msg.data["final"].items():
            self._settle(number, rows, worker)
        dead = msg.data["of"]
        self.dead.add(dead)
        self._take_back(dead, set(), math.inf)  # what does not stand on its slate never came
        if dead in self.runner.clients:
            stopped: Any = Message  # Locust says its own word for it, and moves the users to the others
            self.runner.handle_message(dead, stopped("client_stopped", None, dead))
        self.last_heard.pop(dead, None)
        self._note(
            "will", worker=self.workers[worker], of=self.workers.get(dead), leases=len(msg.data["final"])
        )
        self._hear(worker, 0.0, [], [msg.data["path"]])

    def _hear(self, worker: str, sent_at: float, settled: list[int], wills: list[str]) -> None:
        self.results.flush()
        told = {"sent_at": sent_at, "settled": settled, "wills": wills, "clock": time.monotonic()}
        self.runner.send_message(terms.HEARD, told, worker)

    def _take_back(self, worker: str, told: set[int], before: float) -> None:
        lost = self.leases.never_came(worker, told, before)
        if lost:
            self._note("never_came", worker=self.workers[worker], leases=lost)

    def _meet(self, worker: str) -> str:
        if worker not in self.workers:
            self.workers[worker] = len(self.workers) + 1
            self._note("joined", worker=self.workers[worker], name=worker)
        if worker in self.lost:
            self.lost.discard(worker)
            self._note("back", worker=self.workers[worker])
        self.last_heard[worker] = time.monotonic()
        return worker

    def _settle(self, number: int, rows: bytes, worker: str) -> None:
        for lease, kept in self.leases.settle(number, rows):
            self._keep(lease, kept, self.workers[worker])

    def _keep(self, lease: Lease, rows: bytes, worker: int) -> None:
        """A whole block in one write: a reader sees all of it or a tail that is cut off, which it waits for."""
        self.results.write(BLOCK.pack(lease.first, lease.stride, lease.count, worker, lease.step) + rows)

    def _look_for_lost(self) -> None:
        now = time.monotonic()
        for worker, heard in self.last_heard.items():
            if now - heard > terms.LOST and worker not in self.lost:
                self.lost.add(worker)
                self.lost_at = now
                dark = self.leases.lose(worker)
                self._note("lost", worker=self.workers[worker], dark=dark)
