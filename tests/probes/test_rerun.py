"""The experiments against a batch that lives in this process: each does what it says, and tells it press by press."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path

import pytest

from harness.checks import again
from harness.errors import HarnessError
from harness.model.events import NotSeen, PressedAgain
from harness.model.finding import Finding
from harness.model.people import SyntheticUser
from harness.model.record import Record, RecordWriter
from harness.model.scenario import Effect, Outcome, Progress
from harness.probes.items import write_expected
from harness.probes.rerun import experiments, hold
from tests.checks.books import manifest

USERS = [str(n) for n in range(1000, 1030)]


@dataclass
class Went:
    accepted: bool | None
    why: str
    progress: Progress
    stuck: bool = False


@dataclass
class Batch:
    """A desk with a whole batch behind it. The switches are those of the sample system."""

    lock: bool = True
    rerun: str = "resume"
    skip: bool = True
    fails: Callable[[str, int], bool] = lambda item, tries: False
    lands: bool = False
    dedup: bool = False
    pace: float = 0.0005
    ledger_lost: bool = False
    job: str = "item"
    held_back: int = 0
    users: int = len(USERS)
    patience: float = 1.0
    quiet: float = 0.01
    said: dict[str, str] = field(default_factory=dict)
    ledger: list[str] = field(default_factory=list)
    tries: dict[str, int] = field(default_factory=dict)
    running: int = 0
    dead: bool = False
    frozen: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.frozen.set()

    def admin(self) -> Callable[[], Went]:
        return self._press

    def _press(self) -> Went:
        if self.lock and self.running:
            return Went(False, "status 409", self.progress())
        self.running += 1
        present = USERS[: len(USERS) - self.held_back]
        if self.job == "first list":
            present = self.list = getattr(self, "list", present)
        if self.job == "list" and getattr(self, "list", present) != present:
            self.said.clear()
        self.list = present
        for item in [item for item in present if self._due(item)]:
            self._pay(item)
            if self.dead:
                self.running = 0
                raise HarnessError("the batch is gone")
            if self.said[item] == "failed" and not self.skip:
                break
        self.running -= 1
        return Went(True, "status 200", self.progress())

    def _due(self, item: str) -> bool:
        word = self.said.get(item)
        return self.rerun == "start-over" or word is None or (self.rerun == "retry" and word == "failed")

    def _pay(self, item: str) -> None:
        self.said[item] = "running"
        time.sleep(self.pace)
        self.tries[item] = self.tries.get(item, 0) + 1
        timed_out = not self.frozen.wait(0.1)
        fails = timed_out or self.fails(item, self.tries[item])
        if (not fails or self.lands or timed_out) and not (self.dedup and item in self.ledger):
            self.ledger.append(item)
        self.said[item] = "failed" if fails else "ok"
        if self.dead:
            self.said[item] = "running"

    def come_in(self) -> int:
        came, self.held_back = self.held_back, 0
        return came

    def progress(self) -> Progress:
        words = list(self.said.values())
        return Progress(words.count("ok"), words.count("failed"), self.running > 0)

    def outcomes(self) -> list[Outcome]:
        return [Outcome(item, word) for item, word in self.said.items()]

    def effects(self) -> list[Effect]:
        return [Effect(item, "10.00") for item in self.ledger]

    def kill(self, service: str) -> None:
        self.dead = service == "batch"
        time.sleep(0.05)
        if self.ledger_lost:
            self.ledger.clear()

    def revive(self, service: str) -> None:
        self.dead = False

    def freeze(self, service: str) -> None:
        self.frozen.clear()

    def thaw(self, service: str) -> None:
        self.frozen.set()


def record_of(folder: Path, batch: Batch, *keys: str) -> Record:
    with RecordWriter(folder / "run") as record:
        record.manifest(manifest([1], len(USERS)))
        record.rows("intended", item=USERS)
        for experiment in experiments("batch", ["payouts"]):
            if experiment.key in keys:
                batch.held_back = ceil(len(USERS) * experiment.held_back)
                hold(experiment, batch, record, "button")
    return Record(folder / "run")


def findings(record: Record) -> dict[str, Finding]:
    return {finding.code: finding for finding in again.check(record) if isinstance(finding, Finding)}


def flaky(item: str, tries: int) -> bool:
    return int(item) % 3 == 0 and tries == 1


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.probes.rerun.DOWN", 0.01)
    monkeypatch.setattr("harness.probes.rerun.HELD", 0.02)


def test_a_batch_that_resumes_is_found_in_order_in_every_way(tmp_path: Path) -> None:
    for experiment in experiments("batch", ["payouts"]):
        if experiment.kind in ("complete", "changed", "double", "running"):
            folder = tmp_path / experiment.key
            folder.mkdir()
            assert findings(record_of(folder, Batch(), experiment.key)) == {}


def test_pressing_goes_on_until_all_is_done_and_once_more(tmp_path: Path) -> None:
    record = record_of(tmp_path, Batch(rerun="retry", fails=flaky), "again-complete")
    presses = record.all(PressedAgain)[0].presses
    assert [(note.failed, note.left) for note in presses] == [(10, 0), (0, 0)]
    finding = findings(record)["STOP-005"]
    assert finding.counts == {"press 1": 10, "press 2": 0}


def test_pressing_ends_where_nothing_changes_any_more(tmp_path: Path) -> None:
    always = Batch(rerun="retry", fails=lambda item, tries: item == USERS[4])
    presses = record_of(tmp_path, always, "again-complete").all(PressedAgain)[0].presses
    assert [note.failed for note in presses] == [1, 1, 1]


def test_stopping_at_each_failure_takes_a_press_for_each(tmp_path: Path) -> None:
    stops = Batch(skip=False, fails=flaky)
    presses = record_of(tmp_path, stops, "again-complete").all(PressedAgain)[0].presses
    assert [note.left for note in presses][:10] == [27, 24, 21, 18, 15, 12, 9, 6, 3, 0]


def test_a_batch_that_starts_over_does_all_again_with_money(tmp_path: Path) -> None:
    finding = findings(record_of(tmp_path, Batch(rerun="start-over"), "again-complete"))["DUP-003"]
    assert finding.counts == {"press 1": 0, "press 2": 30}
    assert finding.severity == "critical"
    assert "300.00 were paid too much" in [proof.text for proof in finding.evidence]


def test_failures_that_landed_are_foretold_as_duplicates_of_the_next_press(tmp_path: Path) -> None:
    record = record_of(tmp_path, Batch(rerun="retry", fails=flaky, lands=True), "again-complete")
    finding = findings(record)["DUP-003"]
    assert finding.counts == {"press 1": 0, "press 2": 10}
    told = next(proof.text for proof in finding.evidence if "foretold" in proof.text)
    assert told.startswith("10 copies too many; the first press foretold 10 if")
    assert "no model fits" not in told


def test_no_duplicates_where_the_downstream_refuses_them(tmp_path: Path) -> None:
    record = record_of(tmp_path, Batch(rerun="retry", fails=flaky, lands=True, dedup=True), "again-complete")
    assert "DUP-003" not in findings(record)


def test_two_runs_at_once_without_a_lock_do_users_twice(tmp_path: Path) -> None:
    record = record_of(tmp_path, Batch(lock=False, pace=0.01), "again-double-0", "again-double-50")
    finding = findings(record)["DUP-004"]
    assert finding.counts["press 2"] > 10


def test_users_who_come_in_later_are_taken_up_or_it_is_told(tmp_path: Path) -> None:
    assert findings(record_of(tmp_path, Batch(), "again-changed")) == {}
    (tmp_path / "b").mkdir()
    finding = findings(record_of(tmp_path / "b", Batch(job="first list"), "again-changed"))["STOP-006"]
    assert finding.title == "2 users are never begun: they came in after the first press"
    assert set(finding.counts.values()) == {2}


def test_a_changed_list_that_is_another_job_does_all_again(tmp_path: Path) -> None:
    finding = findings(record_of(tmp_path, Batch(job="list"), "again-changed"))["DUP-008"]
    assert finding.counts["press 2"] == 28
    assert "280.00 were paid too much" in [proof.text for proof in finding.evidence]


def test_a_second_press_at_work_is_caught(tmp_path: Path) -> None:
    batch = Batch(lock=False, rerun="start-over", pace=0.002)
    record = record_of(tmp_path, batch, "again-running")
    assert record.all(PressedAgain)[0].reached
    assert findings(record)["DUP-005"].counts["press 1"] == 0


def test_a_batch_that_is_too_quick_is_told_as_not_seen(tmp_path: Path) -> None:
    record = record_of(tmp_path, Batch(pace=0.0, users=30), "again-running")
    if not record.all(PressedAgain)[0].reached:
        unseen = [found for found in again.check(record) if isinstance(found, NotSeen)]
        assert "too quick" in unseen[0].why and not unseen[0].decisive


def test_an_item_in_work_at_a_kill_stays_so_for_ever(tmp_path: Path) -> None:
    record = record_of(tmp_path, Batch(pace=0.01), "again-kill-batch")
    event = record.all(PressedAgain)[0]
    assert event.reached and event.presses[0].stopped and "gone" in event.presses[0].why
    assert set(findings(record)["ITEM-013"].counts.items()) >= {("press 1", 1), ("press 2", 1)}


def test_effects_that_vanish_with_a_kill_are_told(tmp_path: Path) -> None:
    record = record_of(tmp_path, Batch(pace=0.005, ledger_lost=True, skip=False), "again-kill-payouts")
    codes = findings(record)
    assert codes["LOST-004"].severity == "critical" and "LOST-003" in codes


def test_an_effect_that_lands_late_is_done_twice_by_the_next_press(tmp_path: Path) -> None:
    record = record_of(tmp_path, Batch(pace=0.005, rerun="retry"), "again-late")
    assert record.all(PressedAgain)[0].reached
    assert findings(record)["DUP-007"].counts["press 2"] >= 1


def test_and_is_called_failed_where_a_press_passes_over_it(tmp_path: Path) -> None:
    assert "ITEM-012" in findings(record_of(tmp_path, Batch(pace=0.005), "again-late"))


def test_a_ledger_that_cannot_be_read_is_not_seen_and_the_next_experiment_goes_on(tmp_path: Path) -> None:
    batch = Batch()
    batch.effects = lambda: None  # type: ignore[method-assign,assignment,return-value]
    record = record_of(tmp_path, batch, "again-complete", "again-double-0")
    assert len(record.all(NotSeen)) == 2 and not record.all(PressedAgain)
    assert "no effects()" in record.all(NotSeen)[0].why


def test_a_long_content_that_is_as_wanted_is_as_wanted_after_each_press_too(tmp_path: Path) -> None:
    letter = "dear sir, " * 50

    class Letters(Batch):
        def effects(self) -> list[Effect]:
            return [Effect(item, content=letter) for item in self.ledger]

    with RecordWriter(tmp_path / "run") as record:
        record.manifest(manifest([1], len(USERS)))
        record.rows("intended", item=USERS)
        users = [SyntheticUser(n, item, {}) for n, item in enumerate(USERS)]
        write_expected(lambda user: Effect(user.id, content=letter), users, record)
        hold(experiments("batch", ["payouts"])[0], Letters(), record, "button")
    assert findings(Record(tmp_path / "run")) == {}
