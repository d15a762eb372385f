"""The folder of a run stays below its size, what was not kept is told, and half a table is never judged."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import RecordFull
from harness.judgement import judge
from harness.model.events import Ended, NotSeen, StageUp
from harness.model.record import Record, RecordWriter
from harness.model.room import MOST, Room
from tests.model.test_record import MANIFEST

SMALL = 100_000


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_a_run_may_take_two_hundred_mebibytes() -> None:
    assert MOST == 200 * 2**20 == Room().most


def test_a_log_without_room_is_cut_to_its_end_and_told(tmp_path: Path) -> None:
    with RecordWriter(tmp_path, Room(SMALL)) as record:
        record.manifest(MANIFEST)
        for number in range(30):
            record.log(f"{number}x-shop", b"a" * 2_000 + b"end")
        record.event(Ended(status="completed", why="", seconds=1.0, harness_cpu=0.1))
    assert sum(path.stat().st_size for path in Record(tmp_path).logs()) == 32_000
    assert Record(tmp_path).log("15x-shop").endswith("aend")
    verdict = judge(Record(tmp_path))
    told = {one.probe: one.why for one in verdict.not_checked}
    assert told["log 16x-shop"].startswith("2,003 of 2,003 bytes were not kept")
    assert "log 14x-shop" not in told
    assert size(tmp_path) <= SMALL


def test_a_page_of_memory_without_room_is_not_kept_and_told(tmp_path: Path) -> None:
    run, made = tmp_path / "run", tmp_path / "made.html"
    with RecordWriter(run, Room(SMALL)) as record:
        for number in range(2):
            made.write_bytes(b"x" * 20_000)
            record.page(made, f"memory-shop-{number}.html")
        record.log("1x-shop", b"x" * 20_000)
        record.manifest(MANIFEST)
    assert [path.name for path in (run / "logs").glob("*.html")] == ["memory-shop-0.html"]
    assert len(Record(run).log("1x-shop")) == 12_000, "what was left over has room for a log"
    assert [event.probe for event in Record(run).all(NotSeen)] == ["memory-shop-1.html", "log 1x-shop"]


@pytest.mark.parametrize("what", ["rows", "events"])
def test_a_full_record_ends_the_rehearsal_and_is_never_ready(tmp_path: Path, what: str) -> None:
    kept = 0
    with RecordWriter(tmp_path, Room(SMALL)) as record:
        record.manifest(MANIFEST)
        with pytest.raises(RecordFull, match="nothing that was seen from here on is kept"):
            while True:
                if what == "rows":
                    record.rows("items-1", item=["i" * 1_000])
                else:
                    record.event(StageUp(purpose="x" * 1_000, seconds=1.0))
                kept += 1
        with pytest.raises(RecordFull):  # also what would have room: nothing is kept in part
            record.event(StageUp(purpose="", seconds=1.0))
        record.event(
            Ended(status="failed", why="the record has reached its size", seconds=1.0, harness_cpu=0.1)
        )
    assert kept > 50 and size(tmp_path) <= SMALL
    verdict = judge(Record(tmp_path))
    assert verdict.verdict == "inconclusive"
    assert {one.probe: one.decisive for one in verdict.not_checked}["the rest of the rehearsal"]
