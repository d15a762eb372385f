"""A worker's desk: takes leases from the master, hands out their items, keeps the slate, and reports.

One desk a process. Locust's own messages carry what is said; `next` is called by many users (greenlets) at once.
"""

from __future__ import annotations

import math
import os
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gevent
import msgspec
import numpy as np
from gevent.event import Event

from harness.drive.locust import terms
from harness.drive.locust.leases import SLICE
from harness.drive.locust.slate import Slate
from harness.drive.locust.template import Requests, take_apart
from harness.drive.locust.terms import Lease, Order, Template
from harness.locust_users.gauge import Gauge
from harness.locust_users.making import population_of
from harness.locust_users.stack import Item, Stack
from harness.population import Population

REPORT_EVERY = 0.25


@dataclass
class Desk:
    """The desk; `runner` is Locust's worker."""

    runner: Any
    order: Order | None = None
    ready: Event = field(default_factory=Event)
    gauge: Gauge = field(default_factory=Gauge)
    slate: Slate = field(init=False)
    requests: Requests | None = None
    people: Population | None = None

    def __post_init__(self) -> None:
        self.wills = list(filter(None, os.environ.get(terms.WILLS, "").split(os.pathsep)))
        self.slots: dict[int, Stack] = {}
        self.stock: deque[Stack] = deque()
        self.more = Event()
        self.asked = 0.0
        self.heard = time.monotonic()
        self.offset = self.behind = math.inf
        self.rate = 32.0
        self._done_before, self._looked = 0, time.monotonic()
        self.done = 0
        for name, listener in (
            (terms.ORDER, self._take_order),
            (terms.LEASE, self._take_lease),
            (terms.HEARD, self._was_heard),
        ):
            self.runner.register_message(name, listener)

    def start(self) -> None:
        """Begins to report."""
        gevent.spawn(self._report_for_ever)
        gevent.spawn(self.gauge.watch)

    @property
    def template(self) -> Template:
        """The request that each user sends."""
        assert self.order is not None and self.order.request is not None
        return self.order.request

    # what the users call

    def next(self, patience: float = 0.2) -> Item | None:
        """The next item to be sent, once it is due; None where there is none within `patience` seconds.

        An item that was taken is unsent until `sending` is called for it.
        """
        stack = self._stack()
        if stack is None:
            self.more.clear()
            self._ask()
            self.more.wait(patience)
            stack = self._stack()
            if stack is None:
                return None
        place = stack.place
        stack.place += 1
        item = Item(stack, place, self.slate.row(stack.slot, place))
        if stack.lease.gap:
            try:
                self._wait_until_due(item)
            except BaseException:  # its user is stopped meanwhile
                self.put_back(item)
                raise
        return item

    def sending(self, item: Item) -> bool:
        """Right before it goes out. False where it must not: the master may have given this worker up."""
        now = time.monotonic()
        if item.stack.dropped or now - self.heard > terms.FENCE:
            self._drop()
            self.put_back(item)
            return False
        item.sent = now
        lease = item.stack.lease
        if not lease.gap:
            item.due = now - self.offset
        self.slate.sending(item.at, lease.again, item.due, item.late)
        return True

    def ended(self, item: Item, state: int, status: int) -> None:
        """What came of it; with the last of its lease, all of them are told."""
        self.slate.done(item.at, state, status, time.monotonic() - item.sent)
        self.done += 1
        self._one_less(item.stack)

    def put_back(self, item: Item) -> None:
        """It was taken and not sent: it stays unsent, and the master deals it out again."""
        item.stack.dropped = True
        self._one_less(item.stack)

    # inside

    def _stack(self) -> Stack | None:
        stock = self.stock
        while stock:
            stack = stock[0]
            if stack.place < stack.lease.count and not stack.dropped:
                if len(stock) == 1 and stack.place * 2 >= stack.lease.count:
                    self._ask()
                return stack
            stock.popleft()
        return None

    def _wait_until_due(self, item: Item) -> None:
        lease = item.stack.lease
        item.due = lease.due + item.place * lease.gap
        wait = item.due + self.offset - time.monotonic()
        if wait > 0:
            gevent.sleep(wait)
        item.late = max(0.0, time.monotonic() - self.offset - item.due)
        self.gauge.went(item.late, free=wait > 0)

    def _one_less(self, stack: Stack) -> None:
        stack.open -= 1
        if stack.dropped:
            stack.open -= stack.lease.count - stack.place
            stack.place = stack.lease.count
        if stack.open <= 0 and stack.slot in self.slots:
            self._settle(stack)

    def _settle(self, stack: Stack) -> None:
        rows = self.slate.rows(stack.slot, stack.lease.count)
        self._report({stack.lease.number: rows}, {})

    def _drop(self) -> None:
        """Leaves all that is not sent: it is the master's again once it hears of it."""
        self.stock.clear()
        for stack in list(self.slots.values()):
            if not stack.dropped:
                stack.dropped = True
                stack.open -= stack.lease.count - stack.place
                stack.place = stack.lease.count

    def _ask(self) -> None:
        now = time.monotonic()
        if now - self.asked > REPORT_EVERY and (not self.ready.is_set() or self.slate.free):
            self.asked = now
            wanted = max(8, int(self.rate * SLICE)) if self.ready.is_set() else 0
            self.runner.send_message(terms.ASK, {"wanted": wanted})

    def _report(self, final: dict[int, bytes], partial: dict[int, bytes]) -> None:
        told = {
            "final": final,
            "partial": partial,
            "sent_at": time.monotonic(),
            "gauge": self.gauge.reading(),
        }
        self.runner.send_message(terms.REPORT, told)

    def _report_for_ever(self) -> None:
        """Tells how the leases stand, also those that were told and not heard, and keeps the fence down."""
        while True:
            gevent.sleep(REPORT_EVERY)
            now = time.monotonic()
            self.rate = 0.5 * self.rate + 0.5 * (self.done - self._done_before) / max(
                now - self._looked, 1e-3
            )
            self._done_before, self._looked = self.done, now
            if now - self.heard > terms.FENCE:
                self._drop()
            if not self.ready.is_set():
                if self.order is None:
                    self._ask()
                continue
            final: dict[int, bytes] = {}
            partial: dict[int, bytes] = {}
            for slot, stack in self.slots.items():
                rows = self.slate.rows(slot, stack.lease.count)
                (final if stack.open <= 0 else partial)[stack.lease.number] = rows
            self._report(final, partial)
            self._tell_wills()

    def _tell_wills(self) -> None:
        """What those who died before this worker have left."""
        for path in self.wills:
            will = Path(path)
            if self.order is not None and will.exists():
                slate = Slate(will, self.order.most)
                rows = {lease.number: slate.rows(slot, lease.count) for slot, lease in slate.leases()}
                self.runner.send_message(terms.WILL, {"path": path, "of": slate.name, "final": rows})

    # what the master says

    def _take_order(self, environment: Any, msg: Any) -> None:
        if self.order is not None:
            return
        self.order = order = msgspec.json.decode(msg.data["order"], type=Order)
        gevent.spawn(self._prepare, order)

    def _prepare(self, order: Order) -> None:
        """Compiles the fields: in a thread, so that Locust's heartbeat goes on."""
        people = population_of(order.population)
        gevent.get_hub().threadpool.apply(lambda: people.sheet([0]).users())
        if order.request is not None:
            self.requests = take_apart(order.request)
        self.slate = Slate(Path(os.environ[terms.SLATE]), order.most, self.runner.client_id)
        self.people = people
        self.ready.set()

    def _take_lease(self, environment: Any, msg: Any) -> None:
        self.asked = 0.0
        if self._age(msg.data["clock"]) > terms.FENCE or not self.slate.free:
            return  # the master takes it back, as it never came
        lease = msgspec.json.decode(msg.data["lease"], type=Lease)
        assert self.people is not None
        self.gauge.begin()
        self.offset = min(
            self.offset, time.monotonic() - msg.data["now"]
        )  # the quickest message tells it best
        indexes = np.arange(lease.count, dtype=np.uint64) * np.uint64(lease.stride) + np.uint64(lease.first)
        sheet = self.people.sheet(indexes)
        wires: list[bytes] = []
        users: list[Any] = []
        if self.requests is None:
            users = sheet.users()
        else:
            wires = self.requests.wires(sheet.rows())
        slot = self.slate.open(lease)
        self.slots[slot] = stack = Stack(lease, slot, wires, users, open=lease.count)
        self.stock.append(stack)
        self.more.set()

    def _was_heard(self, environment: Any, msg: Any) -> None:
        """The master has what was sent at that time, and these leases are settled."""
        self._age(msg.data["clock"])
        self.heard = max(self.heard, msg.data["sent_at"])
        for slot, stack in list(self.slots.items()):
            if stack.lease.number in msg.data["settled"]:
                del self.slots[slot]
                self.slate.close(slot)
        for path in set(msg.data["wills"]) & set(
            self.wills
        ):  # a file is removed here on nobody's word but ours
            Path(path).unlink(missing_ok=True)

    def _age(self, clock: float) -> float:
        """Seconds that a message was under way, more than the quickest one."""
        late = time.monotonic() - clock
        self.behind = min(self.behind, late)
        return late - self.behind
