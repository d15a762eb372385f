"""What counts as a kill by the kernel, by witness."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.model.memory import MemoryReading
from harness.model.record import Record, RecordWriter
from harness.model.scenario import Progress
from harness.model.stage import Ending
from harness.probes import limit
from harness.probes.limit import KillWatch, keep_way
from tests.checks.books import manifest

MIB = 2**20


@dataclass
class Service:
    """A service under a limit of 64 MiB, as its stage would show it."""

    held: int = 40 * MIB
    kills: int | None = 0
    pids: tuple[int, ...] = (1, 2)
    ended: Ending | None = None
    events: int | None = 0
    name: str = "payouts"

    def memory(self, *, deep: bool = False) -> MemoryReading | None:
        if self.ended:
            return None
        return MemoryReading(held=self.held, oom_kills=self.kills, pids=self.pids, source="cgroup v1")

    def ending(self) -> Ending | None:
        return self.ended

    def oom_events(self) -> int | None:
        return self.events


@pytest.fixture
def watch() -> KillWatch:
    found = KillWatch(Service(), 64 * MIB)  # type: ignore[arg-type]
    assert not found.look(Progress(10, 1, True), 0.5)
    return found


def test_a_worker_that_is_killed_under_its_master_is_seen_by_the_counter(watch: KillWatch) -> None:
    watch.service.kills, watch.service.pids = 1, (1, 3)  # type: ignore[attr-defined]
    assert watch.look(Progress(20, 1, True), 1.0)
    assert watch.seen == ["counter", "process"]
    assert watch.progress == Progress(20, 1, True)


def test_a_container_that_ended_is_seen_by_its_exit_code_and_the_engines_event(
    watch: KillWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limit, "HEARD_WITHIN", 0.1)
    watch.service.ended, watch.service.events = Ending(137, None), 1  # type: ignore[attr-defined]
    assert watch.look(None, 1.0)
    watch.settle()
    assert set(watch.seen) == {"exit code", "process", "event"}
    assert watch.progress.done == 10


def test_a_process_that_vanishes_at_the_limit_is_a_kill_where_nobody_counts(watch: KillWatch) -> None:
    watch.service.kills, watch.service.held = None, 63 * MIB  # type: ignore[attr-defined]
    assert not watch.look(Progress(20, 1, True), 1.0)
    watch.service.pids = (1, 3)  # type: ignore[attr-defined]
    assert watch.look(Progress(21, 1, True), 1.5)
    assert watch.seen == ["process"]


def test_a_child_that_ends_far_from_the_limit_is_none(watch: KillWatch) -> None:
    watch.service.pids = (1,)  # type: ignore[attr-defined]
    assert not watch.look(Progress(20, 1, True), 1.0)


def test_a_service_that_ends_by_itself_is_none(watch: KillWatch) -> None:
    watch.service.ended = Ending(1, False)  # type: ignore[attr-defined]
    assert not watch.look(None, 1.0)


def test_the_way_to_the_limit_is_kept(watch: KillWatch, tmp_path: Path) -> None:
    with RecordWriter(tmp_path / "run") as record:
        record.manifest(manifest([1], 30))
        keep_way(watch, record)
    assert Record(tmp_path / "run").table("limit-payouts") == {
        "t": [0.5],
        "done": [10],
        "failed": [1],
        "bytes": [40 * MIB],
    }
