"""The users of items mode: each takes an item, sends its one request, and takes the next.

A thinner path than FastHttpUser's: its own connection, and Locust's statistics without its event hooks.
"""

from __future__ import annotations

import time

from gevent import GreenletExit
from locust import User, constant, task

from harness.drive.locust.terms import FAILED, OK, UNKNOWN
from harness.locust_users.desk import Desk
from harness.locust_users.line import Broken, Line, NotReached
from harness.locust_users.stack import Item

AT_ONCE = 100
PERHAPS_DONE = frozenset({408, 502, 504})
"""Statuses of a hop that does not know what became of the request behind it."""


def end_of(status: int) -> int:
    """What a status says of the item."""
    if status in PERHAPS_DONE:
        return UNKNOWN
    return OK if 200 <= status < 400 else FAILED


class ItemsUser(User):
    """One of the users at work at the same time. `desk` is set when the process knows its place."""

    wait_time = constant(0)
    desk: Desk
    line: Line | None = None

    @task
    def play(self) -> None:
        """Some items, one after the other; between two of these Locust may stop this user."""
        desk = self.desk
        if not desk.ready.wait(0.5):
            return
        for _ in range(AT_ONCE):
            if self._state != "running":
                return
            item = desk.next()
            if item is None:
                return
            if desk.sending(item):
                self._send(item)

    def _send(self, item: Item) -> None:
        desk = self.desk
        template = desk.template
        if self.line is None:
            self.line = Line(template.base, template.timeout)
        state, status, length, error = UNKNOWN, 0, 0, ""
        try:
            status, length = self.line.ask(item.wire, bodiless=template.method == "HEAD")
            state = end_of(status)
            error = "" if state == OK else f"status {status}"
        except NotReached as problem:
            state, error = FAILED, str(problem)
        except Broken as problem:
            error = str(problem)
        except GreenletExit:
            desk.ended(item, UNKNOWN, 0)
            raise
        desk.ended(item, state, status)
        stats = self.environment.stats
        took = int((time.monotonic() - item.sent + item.late) * 1000)
        stats.log_request(template.method, template.path, took, length)
        if error:
            stats.log_error(template.method, template.path, error)

    def on_stop(self) -> None:
        """Hangs up."""
        if self.line is not None:
            self.line.close()
