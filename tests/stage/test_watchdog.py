"""Killed at any moment, nothing stays: and the control shows that without the watchdog something would."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from harness.stage.leftovers import alive, belongings, owners
from harness.stage.watchdog import remove, scratch_folder, this_process
from tests.conftest import REHEARSE, ROOT, Rehearse

pytestmark = pytest.mark.alone
SLOW = [
    "run",
    "tests/toy/scenario.py",
    "--stage",
    "process",
    "--users",
    "2000",
    "--scales",
    "1,2,3,4,5,6,7,8",
]
WITHIN = 15.0


def start(out: Path, words: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*REHEARSE, *words, "--out", str(out)], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def wait_for(condition: Callable[[], object], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return bool(condition())


def owner_of(process: subprocess.Popen[bytes]) -> str:
    """The owner string of a rehearsal, once it owns something."""
    found: set[str] = set()

    def looked() -> set[str]:
        nonlocal found
        found = {owner for owner in owners(None) if owner.startswith(f"{process.pid}-")}
        return found

    assert wait_for(looked, 30), "the fault must come while something is there"
    return found.pop()


@pytest.mark.parametrize("delay", [0.0, 0.1, 0.3])
def test_killed_a_rehearsal_leaves_no_process_and_no_folder(tmp_path: Path, delay: float) -> None:
    rehearsal = start(tmp_path, SLOW)
    owner = owner_of(rehearsal)
    time.sleep(delay)
    rehearsal.kill()
    rehearsal.wait()
    assert wait_for(lambda: not belongings(None, owner), WITHIN), belongings(None, owner)


def test_killed_together_with_its_watchdog_it_leaves_things_and_gc_removes_them(
    tmp_path: Path, rehearse: Rehearse, monkeypatch: pytest.MonkeyPatch
) -> None:
    rehearsal = start(tmp_path, SLOW)
    owner = owner_of(rehearsal)
    for child in psutil.Process(rehearsal.pid).children():
        if owner in child.cmdline():
            child.kill()
    rehearsal.kill()
    rehearsal.wait()
    time.sleep(1.5)
    assert belongings(None, owner), "without a watchdog something stays: this test has power"
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    told = rehearse("gc", "--dry-run").stdout
    if not belongings(None, owner):
        pytest.skip("another rehearsal on this machine has swept behind it")
    assert "would remove" in told
    assert rehearse("gc").returncode == 0
    assert not belongings(None, owner)


def test_gc_spares_what_a_living_rehearsal_owns(tmp_path: Path, rehearse: Rehearse) -> None:
    rehearsal = start(tmp_path, [*SLOW[:-1], "1,2"])
    owner = owner_of(rehearsal)
    assert alive(owner)
    assert owner not in rehearse("gc").stdout
    assert rehearsal.wait(60) == 0, "what was taken from it would have made it fail"


def test_the_second_interrupt_ends_at_once_and_the_watchdog_cleans(tmp_path: Path) -> None:
    rehearsal = start(tmp_path, SLOW)
    owner = owner_of(rehearsal)
    rehearsal.send_signal(signal.SIGINT)
    rehearsal.send_signal(signal.SIGTERM)
    assert rehearsal.wait(20) in (130, 143)
    assert wait_for(lambda: not belongings(None, owner), WITHIN), belongings(None, owner)


def test_a_pid_that_was_given_away_again_is_another_owner() -> None:
    mine = this_process()
    pid, started, boot = mine.split("-")
    assert alive(mine)
    assert not alive(f"{pid}-{int(started) - 1}-{boot}")
    assert not alive(f"{pid}-{started}-0000")
    assert not alive("nonsense")


def test_a_folder_of_an_owner_is_found_and_removed() -> None:
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    owner = f"{child.pid}-1-{os.urandom(4).hex()}"
    child.wait()
    folder = scratch_folder(owner)
    assert belongings(None, owner) == [f"folder {folder}"]
    assert remove(None, owner, passes=1) == []
    assert not folder.exists()
