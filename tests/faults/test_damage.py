"""R13: a damaged baseline decides nothing and stays as it is. R14: of a damaged journal only whole lines count."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from harness import cli
from harness.errors import UsageError
from harness.judgement import judge
from harness.measures import baseline
from harness.measures.side import side
from harness.model.events import Ended, NotSeen
from harness.model.record import Record, RecordWriter
from tests.faults.rows import Row, Trial
from tests.model.test_record import MANIFEST

R13, R14 = Row("R13"), Row("R14")


def recorded(folder: Path, events: int = 40) -> Path:
    """A small record, with a journal of that many events and its end."""
    with RecordWriter(folder) as record:
        record.manifest(MANIFEST)
        for number in range(events):
            record.event(NotSeen(probe=f"probe {number}", why=f"because of {number * 7919}", decisive=False))
        record.rows("intended", item=[f"i{number}" for number in range(10)])
        record.event(Ended(status="completed", why="", seconds=1.0, harness_cpu=0.5))
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recorded(tmp_path_factory.mktemp("run") / "r")


def command(*words: str | Path) -> int:
    """What the command ends with, called in this process: quick."""
    before = sys.argv
    sys.argv = ["rehearse", *map(str, words)]
    try:
        return cli._run()
    finally:
        sys.argv = before


FOREIGN = [b"{}", b"[]", b"null", b"\x89PNG\r\n", b"a: 1\n", b"<x/>", b'{"a":' * 9_000, b"", b"\0" * 99]


def damaged(whole: bytes, number: int) -> bytes:
    """The baseline damaged in the way of this number, anywhere: sixty ways."""
    chance = random.Random(number)
    place = chance.randrange(1, len(whole) - 1)
    match number % 6:
        case 0:
            return whole[:place]
        case 1:
            return whole[:place] + bytes([whole[place] ^ 1 << chance.randrange(7)]) + whole[place + 1 :]
        case 2:
            return re.sub(
                rb'"schema":"\w+"',
                b'"schema":%s' % chance.choice([b'"2"', b'"0"', b"1", b"null", b'""']),
                whole,
            )
        case 3:
            return whole[:place] + b" " * (17 * 2**20) + whole[place:]
        case 4:
            return re.sub(
                rb":(\d+|\[)", b":" + chance.choice([b"NaN", b"-Infinity", b"1e999"]) + b",", whole, count=1
            )
    return chance.choice(
        [b"{}", b"[]", b"null", b"\x89PNG\r\n", b"a: 1\n", b"<x/>", b'{"a":' * 9_000, b"", b"\0" * 99]
    )


@R13.trials("a damaged baseline", quick=60, full=60)
def test_a_damaged_baseline_is_inconclusive_and_stays(trial: Trial, run: Path, tmp_path: Path) -> None:
    record = Record(run)
    whole = baseline.encode(side(record, judge(record)))
    path = tmp_path / "b.json"
    path.write_bytes(whole)
    assert command("compare", path, path) in (0, 3)
    hurt = damaged(whole, trial.number)
    assert hurt != whole
    path.write_bytes(hurt)
    trial.fired("its content is another one")
    assert command("compare", path, run) == 3
    assert command("compare", run, path) == 3
    assert command("baseline", "show", path) == 3
    assert command("baseline", "accept", run, "--out", path) == 2, "not without --replace"
    assert path.read_bytes() == hurt


def hurt_journal(whole: bytes, chance: random.Random) -> tuple[bytes, set[int]]:
    """The journal with one to five bits turned, or cut off, and the numbers of the lines that are no longer whole."""
    lines = whole.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))

    def line_of(place: int) -> int:
        return next(number for number in range(len(lines)) if starts[number] <= place < starts[number + 1])

    if chance.random() < 0.3:
        place = chance.randrange(1, len(whole))
        first = line_of(place)
        kept = {first} if place > starts[first] else set()
        return whole[:place], kept | set(range(first + (place > starts[first]), len(lines)))
    hurt, gone = bytearray(whole), set()
    for _ in range(chance.randrange(1, 6)):
        place = chance.randrange(len(whole))
        hurt[place] ^= 1 << chance.randrange(8)
        number = line_of(place)
        gone |= (
            {number, number + 1}
            if whole[place : place + 1] == b"\n" and number + 1 < len(lines)
            else {number}
        )
    return bytes(hurt), {number for number in gone if bytes(hurt) != whole}


@R14.trials("a journal with turned bits, or cut off", quick=50, full=500, in_one=True)
def test_only_damaged_lines_of_a_journal_are_left_out_and_they_are_counted(
    trial: Trial, run: Path, tmp_path: Path
) -> None:
    whole = (run / "journal.jsonl").read_bytes()
    before = [msgspec.to_builtins(event) for event in Record(run).events]
    recorded(tmp_path / "r")
    journal = tmp_path / "r" / "journal.jsonl"
    for number in range(trial.asked):
        hurt, gone = hurt_journal(whole, random.Random(number))
        if hurt == whole:
            continue
        journal.write_bytes(hurt)
        trial.fired(f"{len(gone)} lines are not what they were")
        record = Record(tmp_path / "r")
        after = [msgspec.to_builtins(event) for event in record.events]
        assert all(event in before for event in after), f"seed {number}: a damaged line was believed"
        unhurt = [event for place, event in enumerate(before) if place not in gone]
        assert [event for event in after if event in unhurt] == unhurt, f"seed {number}: a whole line is lost"
        lost, cut_off = len(before) - len(after), len(hurt) < len(whole)
        assert cut_off or record.damaged >= lost >= 0, f"seed {number}: {lost} lost, {record.damaged} told"
        if after == before:
            continue  # only the sum's own name was hit: what it stands for is whole
        verdict = judge(record)
        said = {unseen.probe for unseen in verdict.not_checked}
        assert said & {"the record", "the rest of the rehearsal"}, (
            f"seed {number}: nothing says that it is damaged"
        )
        assert verdict.verdict == "inconclusive", f"seed {number}"


@R14.trials("the manifest is damaged", quick=3, full=30)
def test_a_record_without_a_readable_manifest_is_refused(trial: Trial, tmp_path: Path) -> None:
    folder = recorded(tmp_path / "r")
    whole = (folder / "run.json").read_bytes()
    (folder / "run.json").write_bytes(whole[: random.Random(trial.number).randrange(len(whole) - 2)])
    trial.fired("it is cut off")
    assert command("judge", folder) == 2


@R14.trials("a bit of the manifest is turned", quick=10, full=100, in_one=True)
def test_a_manifest_with_a_turned_bit_is_refused_or_tells_the_same(trial: Trial, tmp_path: Path) -> None:
    folder = recorded(tmp_path / "r")
    path = folder / "run.json"
    whole, before = path.read_bytes(), Record(folder).manifest
    assert b'"crc"' in whole
    refused = 0
    for number in range(trial.asked):
        chance = random.Random(number)
        place = chance.randrange(len(whole))
        path.write_bytes(
            whole[:place] + bytes([whole[place] ^ 1 << chance.randrange(8)]) + whole[place + 1 :]
        )
        trial.fired("one bit is another one")
        try:
            assert Record(folder).manifest == before, f"seed {number}: it was believed"
        except UsageError:
            refused += 1
    assert refused > trial.asked / 2


@R14.trials("a table with turned bits", quick=1, full=5)
def test_a_damaged_chunk_of_a_table_is_left_out_and_counted(trial: Trial, tmp_path: Path) -> None:
    folder = recorded(tmp_path / "r")
    path = folder / "tables/intended.jsonl"
    whole = path.read_bytes()
    chance = random.Random(trial.number)
    place = whole.index(b"i3") + chance.randrange(2)
    path.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
    trial.fired("one bit is another one")
    record = Record(folder)
    assert record.table("intended") == {} and record.damaged == 1


@R14.trials("a run that was killed while it wrote", quick=1, full=3)
def test_the_journal_of_a_killed_writer_is_read_up_to_its_last_line(trial: Trial, tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from harness.model.events import NotSeen;"
        "from harness.model.record import RecordWriter;"
        "from tests.model.test_record import MANIFEST; r = RecordWriter(Path(sys.argv[1])); r.manifest(MANIFEST);"
        "[r.event(NotSeen(probe=str(n), why='')) for n in range(20)]; os.kill(os.getpid(), 9)"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(tmp_path / "r")], check=False, timeout=60)
    assert ended.returncode == -9
    trial.fired("it ended by SIGKILL")
    record = Record(tmp_path / "r")
    assert len(record.events) == 20 and record.damaged == 0
    assert judge(record).verdict == "inconclusive"
