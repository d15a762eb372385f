"""The record: append-only, readable after a kill."""

from pathlib import Path

import msgspec
import pytest

from harness.errors import UsageError
from harness.model.events import Ended, NotSeen
from harness.model.record import Manifest, Record, RecordWriter

MANIFEST = Manifest(
    scenario="s", source="s.py", summary="", run="r", seed=1, population={}, usual=10, scales=[1], deadline=None,
    stage="process", stage_why="", triggers=["t"], services=[], versions={}, machine={}, started="",
)  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with RecordWriter(tmp_path) as record:
        record.manifest(MANIFEST)
        for n in range(5):
            record.event(NotSeen(probe=str(n), why=""))
            record.rows("items", item=[f"{n}a", f"{n}b"], said=["ok", "failed"])
    return tmp_path


def test_what_was_written_is_read_back_in_order(folder: Path) -> None:
    record = Record(folder)
    assert record.manifest == MANIFEST
    assert [event.probe for event in record.all(NotSeen)] == ["0", "1", "2", "3", "4"]
    assert record.table("items")["item"][:3] == ["0a", "0b", "1a"]
    assert record.all(Ended) == [] and record.damaged == 0


def test_a_line_cut_off_by_a_kill_is_left_out_and_counted(folder: Path) -> None:
    journal = folder / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:-9])
    record = Record(folder)
    assert [event.probe for event in record.all(NotSeen)] == ["0", "1", "2", "3"]
    assert record.damaged == 1


def test_events_carry_the_time_in_the_order_in_which_they_happened(folder: Path) -> None:
    times = [msgspec.json.decode(line)["t"] for line in (folder / "journal.jsonl").read_bytes().splitlines()]
    assert times == sorted(times)


def test_a_folder_that_is_no_record_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"run\.json"):
        Record(tmp_path)


def test_a_run_is_named_as_a_command_called_from_here_finds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "out" / MANIFEST.scenario / MANIFEST.run
    with RecordWriter(place) as writer:
        writer.manifest(MANIFEST)
    monkeypatch.chdir(tmp_path)
    assert Record(place).place == f"out/{MANIFEST.scenario}/{MANIFEST.run}"
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    assert Record(place).place == str(place)
    place.rename(tmp_path / "elsewhere")
    assert Record(tmp_path / "elsewhere").place == f"reports/{MANIFEST.scenario}/{MANIFEST.run}"
