"""`rehearse replay`: a finding is STILL there, FIXED, or nobody can tell; what was not seen is never FIXED."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from harness.errors import UsageError
from harness.model.finding import BreaksAt, Finding, NotChecked, Reproduce
from harness.model.record import Record
from harness.once_more import find, recipe, weigh
from tests.cli.conftest import Here
from tests.conftest import ROOT
from tests.report.staged import found, judged, staged

TOY = (ROOT / "tests/toy/scenario.py").read_text().replace('cwd="tests/toy"', 'cwd="."')
LOSSY = TOY.replace('cwd=".")', 'cwd=".", env={"TOY_LOSE": "5"})')


def finding(code: str, *argv: str, **more: object) -> Finding:
    again = Reproduce(["rehearse", "run", "s.py", *argv], 1) if argv else None
    return msgspec.structs.replace(found(code=code), reproduce=again, breaks_at=None, **more)


def light(probe: str, why: str) -> NotChecked:
    return NotChecked(probe, why, decisive=False)


@pytest.fixture
def record(tmp_path: Path) -> Record:
    return staged(tmp_path / "run", "plain")


def test_the_reproduce_line_is_held_again_with_the_probe_that_shows_it(record: Record) -> None:
    wall = finding("URL-001", "--scales", "1", "--users", "407")
    assert recipe(wall, record) == [
        "plain",
        "--scales",
        "1",
        "--users",
        "407",
        "--probes",
        "edges",
        "--seed",
        "1",
    ]
    memory = finding("MEM-001", "--scales", "5")
    assert recipe(memory, record) == [
        "plain",
        "--scales",
        "5",
        "--users",
        "10",
        "--probes",
        "none",
        "--seed",
        "1",
    ]
    pressed = finding("DUP-003", "--probes", "rerun")
    assert recipe(pressed, record)[:3] == ["plain", "--probes", "rerun"]
    assert recipe(finding("ERR-001"), record)[:3] == ["plain", "--scales", "5"], "the largest that has it"
    assert recipe(finding("ERR-001", counts={}), record) == []


@pytest.mark.parametrize(
    ("old", "gap", "word"),
    [
        (finding("LOST-001"), None, "FIXED"),
        (finding("LOST-001"), light("memory growth of plain", "unsure"), "FIXED"),
        (finding("LOST-001"), NotChecked("effects", "the ledger cannot be read"), "CANNOT TELL"),
        (finding("MEM-001"), light("memory growth of plain", "unsure"), "CANNOT TELL"),
        (finding("MEM-001"), light("memory growth of db", "unsure"), "FIXED"),
        (finding("TIME-001"), light("how time grows with the users", "two scales"), "CANNOT TELL"),
        (finding("TIME-002"), light("how time grows with the users", "one scale"), "FIXED"),
        (finding("DUP-006", "--probes", "rerun"), light("when it is killed", "too quick"), "CANNOT TELL"),
        (finding("DUP-020", "--probes", "faults"), light("when an answer is lost", "too quick"), "CANNOT TELL"),
        (finding("DUP-020", "--probes", "faults"), light("faults", "it calls nothing here"), "CANNOT TELL"),
        (finding("DUP-006", "--probes", "oom"), light("a real run of db into the memory limit", "x"), "CANNOT TELL"),
        (finding("LOST-001"), light("when it is killed", "too quick"), "FIXED"),
        (finding("URL-001", trigger="plain"), None, "FIXED"),
        (finding("URL-001", trigger="another way"), None, "CANNOT TELL"),
    ],
)  # fmt: skip
def test_gone_is_fixed_only_where_it_would_have_been_seen(
    record: Record, old: Finding, gap: NotChecked | None, word: str
) -> None:
    verdict = judged(record, findings=[])
    verdict.not_checked[:] = [gap] if gap else []
    assert weigh(old, verdict, record).word == word


def test_a_wall_beyond_what_got_through_may_still_stand(record: Record) -> None:
    far = msgspec.structs.replace(
        finding("URL-001", trigger="plain"), breaks_at=BreaksAt(users=51, first_failing=51)
    )
    assert weigh(far, judged(record, findings=[]), record).word == "CANNOT TELL"
    assert weigh(far, judged(record, findings=[far]), record).word == "STILL"


def test_a_finding_is_named_by_its_id_or_by_its_only_code(record: Record) -> None:
    one, two = found(code="URL-001", id="a" * 12), found(code="MEM-001", id="b" * 12)
    verdict = judged(record, findings=[one, two])
    assert find(verdict, "aaa") == find(verdict, "url-001") == one
    with pytest.raises(UsageError, match="no findings 'c'"):
        find(verdict, "c")


def test_it_is_still_there_then_fixed_then_nobody_can_tell(
    tmp_path: Path, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "batch.py").write_text((ROOT / "tests/toy/batch.py").read_text())
    toy = tmp_path / "toy.py"
    toy.write_text(LOSSY)
    words = ["--stage", "process", "--scales", "1", "--probes", "none", "--quiet", "--out", "reports"]
    assert here("run", "toy.py", *words).returncode == 1
    blind = TOY.replace('"/ledger"', '"/nothing"')
    for text, word, code in ((LOSSY, "STILL", 1), (TOY, "FIXED", 0), (blind, "CANNOT TELL", 3)):
        toy.write_text(text)
        run = here("replay", "reports/toy/latest", "LOST-001")
        assert (run.stdout.partition(":")[0], run.returncode) == (word, code), run.stderr
