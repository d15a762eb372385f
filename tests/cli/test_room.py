"""The folder of a run stays below its size with all that is in it: the record, its reports, the replays."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from harness.model import room
from harness.report.files import FORMATS
from tests.cli.conftest import Here
from tests.conftest import ROOT
from tests.end_to_end.errands import variant

WATCHED = """
import json, os, sys
place, folder, seen = sys.argv.pop(), sys.argv.pop(), []

def look(event, words):
    target = words[1] if event == "os.rename" else words[0] if words else ""
    writes = event == "os.rename" or (event == "open" and words[2] & (os.O_WRONLY | os.O_RDWR))
    if not writes or not isinstance(target, str | os.PathLike) or not os.fspath(target).startswith(folder):
        return
    frame, through = sys._getframe(1), []
    while frame:
        through.append(frame.f_globals.get("__name__", "") + ":" + frame.f_code.co_qualname)
        frame = frame.f_back
    seen.append((os.path.relpath(target, folder), through))

sys.addaudithook(look)
from harness.cli import main
try:
    main()
finally:
    with open(place, "w") as file:
        json.dump(seen, file)
"""
COUNTED = {
    "harness.model.record:RecordWriter.__init__",
    "harness.model.record:RecordWriter.manifest",
    "harness.model.record:RecordWriter.rows",
    "harness.model.record:RecordWriter.log",
    "harness.model.record:RecordWriter.page",
    "harness.report.files:write_whole",
}
"""Whoever writes into the folder of a run, and asks for room first (the journal is opened by `__init__`)."""


def size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())


def watched(tmp_path: Path, *words: str | Path) -> list[tuple[str, list[str]]]:
    """What a command has opened for writing in reports/, and which functions were at work."""
    place = tmp_path / "seen.json"
    subprocess.run(
        [sys.executable, "-c", WATCHED, *map(str, words), tmp_path / "reports", place],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=200,
        check=False,
    )
    return [(name, through) for name, through in json.loads(place.read_text())]


def test_whatever_is_written_into_the_folder_of_a_run_is_counted(tmp_path: Path) -> None:
    """By an audit hook on every file that is opened for writing; what other processes write turns up as a file that
    nobody has opened."""
    reports = tmp_path / "reports"
    scenario = variant(tmp_path, shop="SHOP_LIE=4")
    words = ["--stage", "process", "--probes", "causes", "--out", reports]
    seen = watched(tmp_path, "run", scenario, *words)
    run = next(reports.glob("errands/2*"))
    seen += watched(tmp_path, "judge", run, "--baseline", run)
    finding = json.loads((run / "report.json").read_text())["findings"][0]
    seen += watched(tmp_path, "replay", run, finding["id"])
    seen += watched(tmp_path, "report", run, "--format", "html,md")
    inside = f"{run.relative_to(reports)}/"
    uncounted = {name for name, through in seen if name.startswith(inside) and not COUNTED & set(through)}
    assert uncounted <= {f"{inside}replays/errands/latest"}, "a link"
    opened = {name for name, _ in seen}
    there = {path.relative_to(reports).as_posix() for path in run.rglob("*") if path.is_file()}
    mine = {name for name in there if "/replays/" not in name}
    assert mine <= opened and len(mine) >= 10, mine - opened
    assert any("/replays/" in name and name.endswith("run.json") for name in there), "a replay lies in it too"


@pytest.fixture
def run(tmp_path: Path, here: Here) -> Path:
    """A run, and nothing but its record."""
    words = ["--stage", "process", "--probes", "none", "--out", tmp_path / "reports"]
    assert here("run", variant(tmp_path), *words).returncode in (0, 1, 3)
    folder = next(tmp_path.glob("reports/errands/2*"))
    for name, _ in FORMATS.values():
        (folder / name).unlink()
    return folder


def test_a_report_that_has_no_room_is_refused_and_the_others_are_written(
    run: Path, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = size(run)
    assert here("judge", run).returncode == 0
    whole = {name: (run / name).read_bytes() for name, _ in FORMATS.values()}
    sizes = sorted(map(len, whole.values()))
    for left in (0, sizes[0], sizes[0] + sizes[1], sum(sizes) - 1, 2 * sum(sizes)):
        monkeypatch.setattr(room, "MOST", alone + left)
        judged = here("judge", run)
        assert size(run) <= room.MOST, left
        written = {name for name in whole if (run / name).exists()}
        assert all((run / name).read_bytes() == whole[name] for name in written), "whole, or not at all"
        missing = whole.keys() - written
        assert judged.returncode == (5 if missing else 0), judged.stderr
        assert all(f"{name} was not written" in " ".join(judged.stderr.split()) for name in missing)
        assert "READY" in judged.stdout, "what was found is told all the same"
        assert bool(missing) is (left < sum(sizes)) and bool(written) is (left > 0)


def test_a_replay_has_the_room_that_the_run_leaves(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = run / "replays" / "errands" / "again"
    inner.mkdir(parents=True)
    monkeypatch.setattr(room, "MOST", size(run) + room.LEAST)
    assert room.Room.of(inner).most == room.LEAST
    (run / "replays" / "more").write_bytes(b"x")
    with pytest.raises(room.EnvironmentProblem, match="MiB are left for"):
        room.Room.of(inner)
