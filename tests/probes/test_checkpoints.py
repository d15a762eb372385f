"""When the batch is held still: evenly over its items, and for a small share of its time."""

import time
from pathlib import Path

import numpy as np
import pytest

from harness.model.record import Record, RecordWriter
from harness.model.scenario import Progress
from harness.probes.memory import LEAST, SHARE, Checkpoints
from tests.checks.books import manifest


class Driver:
    """A batch that notes when it was held."""

    def __init__(self, *, holds: bool = True) -> None:
        self.holds, self.held, self.log = holds, False, []

    def hold(self) -> bool:
        self.held = self.holds
        self.log.append("hold")
        return self.holds

    def let_go(self) -> None:
        self.held = False
        self.log.append("let go")


def work(checkpoints: Checkpoints, items: int, *, pause: float, step: int = 1) -> None:
    for done in range(0, items + 1, step):
        checkpoints.working(Progress(done, 0, running=True))
        time.sleep(pause)


def test_checkpoints_are_even_in_items_and_the_driver_is_held_for_each() -> None:
    driver, seen = Driver(), []
    checkpoints = Checkpoints([driver], 4, 100, lambda progress: seen.append((progress.done, driver.held)))
    checkpoints._began = time.monotonic() - 60  # a batch that has run for a minute can spare the time
    work(checkpoints, 100, pause=0)
    assert seen == [(25, True), (50, True), (75, True), (100, True)]
    assert not driver.held


def test_holding_takes_a_small_share_of_the_time_and_no_more() -> None:
    driver = Driver()
    checkpoints = Checkpoints([driver], 1000, 1000, lambda progress: time.sleep(0.02), owed=0)
    started = time.monotonic()
    work(checkpoints, 1000, pause=0.001)
    longest = 0.06  # one more that was begun within its share
    assert checkpoints.held <= SHARE * (time.monotonic() - started) + longest


def test_twenty_looks_at_the_second_half_are_owed_though_the_batch_is_quick(tmp_path: Path) -> None:
    seen: list[int] = []
    checkpoints = Checkpoints([Driver()], 80, 400, lambda progress: seen.append(progress.done))
    work(checkpoints, 400, pause=0)
    late = [done for done in seen if done >= 200]
    assert len(late) >= LEAST and max(np.diff(late)) <= 20
    assert len(seen) - len(late) <= 2  # the first half has to make do with its share
    with RecordWriter(tmp_path) as record:
        record.manifest(manifest([1], 400))
        checkpoints.keep(record, 1)
    kept = Record(tmp_path).table("holds-1")
    assert sum(kept["seconds"]) == pytest.approx(checkpoints.held, abs=0.01)


def test_failed_items_count_too_so_that_a_ceiling_is_seen() -> None:
    seen = []
    checkpoints = Checkpoints([Driver()], 4, 100, lambda progress: seen.append(progress.failed))
    checkpoints._began = time.monotonic() - 60
    for failed in range(101):
        checkpoints.working(Progress(0, failed, running=True))
    assert seen == [25, 50, 75, 100]


def test_a_driver_that_cannot_be_held_is_let_go_and_nothing_is_read() -> None:
    first, second, seen = Driver(), Driver(holds=False), []
    checkpoints = Checkpoints([first, second], 4, 100, seen.append)
    work(checkpoints, 100, pause=0, step=50)
    assert seen == []
    assert first.log[-1] == "let go"


def test_a_scenario_can_switch_holding_off_and_natural_rests_still_count() -> None:
    driver, seen = Driver(), []
    checkpoints = Checkpoints([driver], 0, 100, seen.append)
    work(checkpoints, 100, pause=0, step=10)
    assert driver.log == [] and seen == []
    checkpoints.resting(Progress(100, 0, running=False))
    checkpoints.resting(Progress(100, 0, running=False))
    assert len(seen) == 1
