"""R1 to R5: whatever ends a rehearsal, nothing stays, and what it saw can be read."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.stage import Engine
from tests.conftest import Rehearse
from tests.faults.herd import APART, REALM, Herd
from tests.faults.rows import Row, Trial
from tests.faults.toys import Toy, side_by_side, toys, until

R1, R2, R3, R4, R5 = (Row(f"R{n}") for n in range(1, 6))
LEFT_AFTER = 15.0
SIDE_BY_SIDE = 8
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
pytestmark = [] if APART else [pytest.mark.alone]  # others would sweep behind what is killed


@pytest.fixture(scope="module")
def herd() -> Iterator[Herd]:
    with Herd(*REALM) as herd:
        yield herd


def dice(row: str, number: int) -> random.Random:
    """The same moments in every run."""
    return random.Random(f"{row}-{number}")


def started(toy: Toy) -> bool:
    """Waits until there is something beside the rehearsal itself."""
    return until(lambda: toy.services() or toy.run.poll() is not None, 180) and toy.run.poll() is None


def at_work(toy: Toy, seconds: float) -> bool:
    """So long after it started, and while something is there: between two scales there is nothing for a moment."""
    if not started(toy):
        return False
    time.sleep(seconds)
    return started(toy)


def kill_at_a_random_moment(toy: Toy, moment: float, trial: Trial) -> None:
    if not started(toy):
        return  # the machine was too slow: nothing was killed, and nothing is counted
    time.sleep(moment)
    if toy.run.poll() is not None or not (had := toy.services()):
        return
    toy.run.kill(signal.SIGKILL)
    trial.fired(f"killed after {moment:.2f} s, with {len(had)} things of its own")
    began = time.monotonic()
    assert until(lambda: not toy.has(), LEFT_AFTER), (
        f"kept {LEFT_AFTER} s after: {toy.has()} (moment {moment})"
    )
    trial.took(time.monotonic() - began)
    assert toy.run.wait(5) == -signal.SIGKILL
    events = {str(event["event"]) for event in toy.journal()}
    assert "ended" not in events, "it could not say so"


def kill_many(trial: Trial, folder: Path, herd: Herd, engine: Engine | None, moments: random.Random) -> None:
    """Each is killed at a moment of its own."""
    when = [moments.uniform(0, 3) for _ in range(trial.asked)]
    side_by_side(
        lambda number: kill_at_a_random_moment(next(toys(herd, folder, engine)), when[number], trial),
        trial.asked,
        SIDE_BY_SIDE,
    )


@R1.trials("on plain processes", quick=4, full=135, in_one=True)
@pytest.mark.timeout(7200)
def test_killed_at_a_random_moment_it_leaves_no_process_and_no_folder(
    trial: Trial, tmp_path: Path, herd: Herd
) -> None:
    kill_many(trial, tmp_path, herd, None, dice("R1", trial.asked))


@pytest.mark.engine
@R1.trials("in containers", quick=2, full=60, in_one=True)
@pytest.mark.timeout(7200)
def test_killed_at_a_random_moment_it_leaves_no_container_network_or_volume(
    trial: Trial, tmp_path: Path, herd: Herd, engine: Engine
) -> None:
    kill_many(trial, tmp_path, herd, engine, dice("R1 docker", trial.asked))


@R1.trials("report", quick=1, full=5)
@pytest.mark.timeout(300)
def test_what_a_killed_rehearsal_saw_can_be_reported(
    trial: Trial, tmp_path: Path, herd: Herd, rehearse: Rehearse
) -> None:
    toy = next(toys(herd, tmp_path))
    assert until(lambda: any(toy.out.glob("*/2*/tables/items-*")), 60), "it has come to look at items"
    toy.run.kill(signal.SIGKILL)
    trial.fired("killed after it had written items")
    assert rehearse("judge", toy.folder).returncode == 3, "what was cut off is inconclusive"
    report = json.loads((toy.folder / "report.json").read_text())
    assert report["verdict"] == "inconclusive"
    assert until(lambda: not toy.has(), LEFT_AFTER)


@R2.trials("signals", quick=6, full=120, in_one=True)
@pytest.mark.timeout(3600)
def test_a_signal_ends_it_in_order(trial: Trial, tmp_path: Path, herd: Herd) -> None:
    def one(count: int) -> None:
        number, whole_group = SIGNALS[count % 3], count % 2
        toy = next(toys(herd, tmp_path))
        assert at_work(toy, dice("R2", count).uniform(0, 2.5))
        began = time.monotonic()
        toy.run.kill(number, group=bool(whole_group))
        assert toy.run.wait(60) == 128 + number
        trial.fired(f"{number.name} to {'the group' if whole_group else 'the process'}, with services up")
        assert until(lambda: not toy.has(), 10), toy.has()
        trial.took(time.monotonic() - began)
        assert toy.journal()[-1]["status"] == "interrupted"
        assert json.loads((toy.folder / "report.json").read_text())["verdict"] == "inconclusive"

    side_by_side(one, trial.asked, SIDE_BY_SIDE)


@R3.trials("on a terminal", quick=2, full=20)
@pytest.mark.timeout(300)
def test_ctrl_c_twice_gives_the_prompt_back_and_the_watchdog_cleans(
    trial: Trial, tmp_path: Path, herd: Herd
) -> None:
    toy = next(toys(herd, tmp_path, terminal="yes"))
    assert at_work(toy, dice("R3", trial.number).uniform(0, 2))
    toy.run.keys("\x03")
    time.sleep(dice("R3 pause", trial.number).uniform(0.01, 0.04))  # at once, they would be one to the kernel
    if toy.run.poll() is None:
        trial.fired("it still ran when the second was typed")
    began = time.monotonic()
    toy.run.keys("\x03")
    assert toy.run.wait(30) == 130
    trial.took(time.monotonic() - began)
    assert until(lambda: not toy.has(), LEFT_AFTER), toy.has()


def kill_with_watchdog(toy: Toy) -> None:
    """Both at once: nobody is left who could clean."""
    dogs = [int(line.partition(":")[0]) for line in toy.processes() if "watchdog.py" in line]
    assert len(dogs) == 1
    os.kill(dogs[0], signal.SIGKILL)
    toy.run.kill(signal.SIGKILL)
    assert until(lambda: not any("watchdog.py" in line for line in toy.processes()), 5)


@R4.trials("control", quick=2, full=20, in_one=True)
@pytest.mark.timeout(1800)
def test_without_its_watchdog_things_stay_until_gc_and_a_live_one_is_spared(
    trial: Trial, tmp_path: Path, herd: Herd
) -> None:
    for _ in range(0, trial.asked, 2):
        live, *dead = (toy for _, toy in zip(range(3), toys(herd, tmp_path), strict=False))
        assert all(map(started, [live, *dead]))
        for toy in dead:
            kill_with_watchdog(toy)
        time.sleep(3)
        told = collected(herd, tmp_path / "dry", "--dry-run")
        for toy in dead:
            if (
                toy.services()
            ):  # else somebody beside has swept behind it: nothing is shown, and nothing is counted
                assert toy.run.owner in told
                trial.fired("things stayed after both were killed: R1 has power")
        began = time.monotonic()
        collected(herd, tmp_path / "gc")
        trial.took(time.monotonic() - began)
        assert not [thing for toy in dead for thing in toy.has()]
        assert started(live), "gc spares what lives"
        live.run.kill(signal.SIGTERM)
        assert live.run.wait(60) == 143


def collected(herd: Herd, log: Path, *words: str) -> str:
    """What gc said there, of processes and folders."""
    assert herd.start(["gc", *words], log=log, DOCKER_HOST="unix:///nowhere.sock").wait(60) == 0
    return log.read_text()


@R5.trials("side by side", quick=1, full=10)
@pytest.mark.timeout(300)
def test_of_two_rehearsals_one_is_killed_and_the_other_ends_well(
    trial: Trial, tmp_path: Path, herd: Herd
) -> None:
    killed = next(toys(herd, tmp_path))
    other = next(toys(herd, tmp_path, scales="1,2", quiet="2s"))
    assert started(killed) and started(other)
    time.sleep(dice("R5", trial.number).uniform(0, 0.5))
    if killed.run.poll() is None and other.run.poll() is None:
        killed.run.kill(signal.SIGKILL)
        trial.fired("both were at work when one was killed")
    assert until(lambda: not killed.has(), LEFT_AFTER), killed.has()
    assert other.run.wait(120) == 0, "what was taken from it would have made it fail"
    assert not other.has()
