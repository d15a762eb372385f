"""Puts a Locust process in its place: master or worker, and ended when its parent is."""

from __future__ import annotations

import os
import sys
from typing import Any

import gevent
import gevent.os
from locust import events
from locust.runners import MasterRunner, WorkerRunner

from harness.drive.locust import terms
from harness.locust_users.dealing import Dealer
from harness.locust_users.desk import Desk

DESKS: list[Any] = []
"""Classes whose `desk` is set once there is one."""


def under_rehearse() -> bool:
    """Whether rehearse has started this process."""
    return terms.SLATE in os.environ or terms.FOLDER in os.environ


def own_file() -> bool:
    """Whether the users are those of a reader's own locustfile."""
    return terms.OWN in os.environ


def _begin(environment: Any, runner: Any, **others: Any) -> None:
    gevent.spawn(_end_with_parent)
    if isinstance(runner, MasterRunner) and terms.FOLDER in os.environ:
        environment.parsed_options.headless = False  # else Locust begins by itself; here the dealer does
        Dealer(environment, runner).start()
    elif isinstance(runner, WorkerRunner) and terms.SLATE in os.environ:
        desk = Desk(runner)
        for waiting in DESKS:
            waiting.desk = desk
        desk.start()


def _end_with_parent() -> None:
    """The parent holds the other end of standard input: it ends when the parent does, however that came about."""
    gevent.os.make_nonblocking(sys.stdin.fileno())
    while gevent.os.nb_read(sys.stdin.fileno(), 4096):
        pass
    os._exit(143)


LISTENERS: Any = events
LISTENERS.init.add_listener(_begin)
