"""The processes of a service: who descends from its first one, and holding them still for a moment."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from pathlib import Path

import psutil


def family(pid: int) -> list[int]:
    """The process and all its descendants, as far as they can be seen."""
    found, ahead = [pid], [pid]
    while ahead:
        try:
            children = [int(child) for child in _children(ahead.pop())]
        except FileNotFoundError:
            continue  # it has ended
        found += children
        ahead += children
    return found


def _children(pid: int) -> list[str]:
    tasks = list(Path(f"/proc/{pid}/task").iterdir())
    if tasks and not (tasks[0] / "children").exists():  # a kernel built without it
        return [str(child.pid) for child in psutil.Process(pid).children()]
    return [child for task in tasks for child in (task / "children").read_text().split()]


def hold(pids: Iterable[int]) -> list[int]:
    """Stops these processes where they are; returns those that were stopped, for `let_go`. A stopped process can
    still be killed, so nothing is left behind where the harness ends meanwhile. Raises PermissionError."""
    held: list[int] = []
    for pid in pids:
        try:
            os.kill(pid, signal.SIGSTOP)
        except ProcessLookupError:
            continue
        except PermissionError:
            let_go(held)
            raise
        held.append(pid)
    return held


def let_go(pids: Iterable[int]) -> None:
    """Lets them run on."""
    for pid in pids:
        try:
            os.kill(pid, signal.SIGCONT)
        except (ProcessLookupError, PermissionError):
            continue
