"""`next_user()`: invented users for a reader's own locustfile.

    from locust import FastHttpUser, task
    from harness.locust_users import next_user

    class Caller(FastHttpUser):
        @task
        def pay(self):
            with next_user() as user:
                self.client.post("/pay", json={"id": user.id, "amount": user.amount})

Each user is handed out once, over all workers. What became of it is told by the requests that are made within the
`with`: ok if all are, failed if one is refused, unknown if one was not answered; `user.failed("why")` says so too.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any

import geventhttpclient.client
from gevent import GreenletExit, getcurrent
from locust.exception import StopUser

from harness.drive.locust.terms import FAILED, OK, UNKNOWN
from harness.errors import UsageError
from harness.locust_users import setting
from harness.locust_users.desk import Desk
from harness.locust_users.stack import Item
from harness.locust_users.users import end_of

WORSE = {OK: 0, FAILED: 1, UNKNOWN: 2}


class Own:
    """Where the desk of this process stands, once there is one."""

    desk: Desk | None = None


class Turn:
    """One user's turn: fields as attributes, and what is known of it so far."""

    def __init__(self, desk: Desk, item: Item) -> None:
        self.desk, self.item = desk, item
        self.person = item.stack.users[item.place]
        self.state, self.status, self.asked = OK, 0, False

    def __enter__(self) -> Turn:
        _turns[getcurrent()] = self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        _turns.pop(getcurrent(), None)
        if problem is not None:
            self._now(UNKNOWN if self.asked or isinstance(problem, GreenletExit) else FAILED, self.status)
        self.desk.ended(self.item, self.state, self.status)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.person, name)

    def __getitem__(self, name: str) -> Any:
        return self.person[name]

    def failed(self, why: str = "") -> None:
        """The answer was well, and says that it was not."""
        self._now(FAILED, self.status)

    def saw(self, response: Any, exception: Any) -> None:
        """A request of this turn was answered, or was not."""
        status = int(getattr(response, "status_code", 0) or 0)
        self.asked = True
        state = OK if exception is None else FAILED
        if exception is not None or status >= 400:
            refused = isinstance(exception, ConnectionRefusedError)
            state = end_of(status) if status else FAILED if refused else UNKNOWN
            state = FAILED if state == OK else state  # the locustfile itself called it a failure
        self._now(state, status)

    def _now(self, state: int, status: int) -> None:
        if WORSE[state] >= WORSE[self.state]:
            self.state, self.status = state, status


_turns: dict[Any, Turn] = {}


def next_user() -> Turn:
    """The next user, for a `with`. It waits while others have them all; at the end it stops this Locust user."""
    if not setting.under_rehearse():
        raise UsageError(
            "next_user() was called in a Locust that rehearse did not start",
            expected="rehearse load SCENARIO --locustfile this_file.py",
            fix="run it so",
        )
    desk = Own.desk
    if desk is None:
        raise StopUser()
    desk.ready.wait()
    locust_user = _locust_user()
    while True:
        item = desk.next()
        if item is not None and desk.sending(item):
            return Turn(desk, item)
        if locust_user is not None and locust_user._state == "stopping":
            raise StopUser()


def _locust_user() -> Any:
    """The Locust user whose greenlet this is: Locust promises that it is the first argument."""
    return next(iter(getattr(getcurrent(), "args", ())), None)


def _seen(response: Any = None, exception: Any = None, **others: Any) -> None:
    turn = _turns.get(getcurrent())
    if turn is not None:
        turn.saw(response, exception)


def _once(method: str) -> bool:
    return False


setting.DESKS.append(Own)
if setting.own_file():
    setting.LISTENERS.request.add_listener(_seen)
    if hasattr(geventhttpclient.client, "_may_retry_after_send_error"):
        geventhttpclient.client._may_retry_after_send_error = _once  # it would send a GET or PUT once more
