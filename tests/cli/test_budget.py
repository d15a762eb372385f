"""The alarm of the time budget, in a process of its own: signals belong to the whole of one."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import ROOT

BEGIN = """
import contextlib, sys, threading, time
from harness.cli import budget
from harness.errors import TimeBudgetSpent
from harness.stage.leash import something_is_left
budget.GRACE, budget.TAKING_DOWN, budget.LATER = 0.1, 0.6, 0.1

@contextlib.contextmanager
def stage(tapped=()):
    try:
        yield "stage"
    finally:
        for _ in range(rounds):
            with contextlib.suppress(budget.OutOfTime) if stubborn else contextlib.nullcontext():
                down.wait(each)
        print("down")

down, began = threading.Event(), time.monotonic()
"""
END = """
try:
    with budget.Alarm(time.monotonic() + 0.1) as alarm, alarm.sparing(stage)():
        print("up")
        down.wait(inside)
        print("done")
except TimeBudgetSpent:
    print("spent")
print("left" if something_is_left() else "nothing left")
time.sleep(0.5)
"""


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("inside, rounds, each, stubborn = 0, 0, 0, 0", "up done down nothing left"),
        ("inside, rounds, each, stubborn = 600, 1, 0.3, 0", "up down spent left"),
        ("inside, rounds, each, stubborn = 600, 1, 600, 0", "up spent left"),
        ("inside, rounds, each, stubborn = 600, 3, 600, 1", "up down spent left"),
        ("inside, rounds, each, stubborn = 0, 1, 600, 0", "up done spent left"),
    ],
    ids=["in time", "hangs", "hangs and so does its end", "hangs again and again", "only its end hangs"],
)
def test_what_hangs_is_ended_and_what_does_not_end_is_left_to_the_watchdog(how: str, told: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", BEGIN + how + END],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.stdout.split() == told.split(), ran.stderr
