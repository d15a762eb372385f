"""Reading back: in chunks, once it is quiet, and told where it cannot be believed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from harness.checks.ledger import balance
from harness.model.events import NotSeen
from harness.model.people import SyntheticUser
from harness.model.record import Record, RecordWriter
from harness.model.scenario import Effect, Outcome
from harness.probes import items
from tests.checks.books import manifest


def written(folder: Path, work: Callable[[RecordWriter], Any]) -> Record:
    with RecordWriter(folder / "run") as record:
        record.manifest(manifest([1], 1))
        work(record)
    return Record(folder / "run")


def growing(*lengths: int) -> Callable[[], Iterable[Effect]]:
    """A ledger that is longer each time it is read, to the last length."""
    left = list(lengths)
    return lambda: [Effect(str(n)) for n in range(left.pop(0) if len(left) > 1 else left[0])]


def test_the_ledger_is_read_once_nothing_new_comes(tmp_path: Path) -> None:
    record = written(tmp_path, lambda r: items.read_effects(growing(1, 2, 5), r, "effects-1", quiet=0.01))
    assert len(record.table("effects-1")["item"]) == 5 and not record.all(NotSeen)


def test_a_ledger_that_never_gets_quiet_is_told(tmp_path: Path) -> None:
    busy = growing(*range(1000))
    record = written(tmp_path, lambda r: items.read_effects(busy, r, "effects-1", quiet=0.01, longest=0.05))
    assert "not quiet" in record.all(NotSeen)[0].why and record.all(NotSeen)[0].decisive


def test_an_empty_ledger_was_read_and_a_missing_one_was_not(tmp_path: Path) -> None:
    assert written(tmp_path, lambda r: items.read_effects(lambda: [], r, "effects-1")).has("effects-1")
    (tmp_path / "b").mkdir()
    record = written(tmp_path / "b", lambda r: items.read_effects(lambda: None, r, "effects-1"))
    assert not record.has("effects-1") and "no effects()" in record.all(NotSeen)[0].why


def test_long_tables_are_written_in_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(items, "CHUNK", 10)
    rows = [Outcome(str(n), "ok") for n in range(25)]
    record = written(tmp_path, lambda r: items.read_outcomes(lambda: rows, r, "items-1"))
    assert [len(chunk["item"]) for chunk in record.chunks("items-1")] == [10, 10, 5]


@pytest.mark.parametrize("rows", [[Outcome(7, "ok")], ["7"], [("7", "ok")], [None]])  # type: ignore[arg-type]
def test_rows_of_another_kind_are_told_and_not_taken(tmp_path: Path, rows: list[Any]) -> None:
    record = written(tmp_path, lambda r: items.read_outcomes(lambda: rows, r, "items-1"))
    assert not record.has("items-1") and "is expected" in record.all(NotSeen)[0].why


def test_a_reading_that_breaks_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    def breaks() -> Iterable[Effect]:
        yield Effect("1")
        raise ConnectionError("gone")

    record = written(tmp_path, lambda r: items.read_effects(breaks, r, "effects-1"))
    assert not record.has("effects-1") and "gone" in record.all(NotSeen)[0].why


def test_what_is_expected_is_written_as_the_scenario_says_it(tmp_path: Path) -> None:
    users = [SyntheticUser(n, str(n), {}) for n in range(3)]
    answers = {
        "0": None,
        "1": Effect("1", Decimal("2.50")),
        "2": [Effect("2", step="a"), Effect("2", step="b")],
    }  # type: ignore[arg-type]
    record = written(tmp_path, lambda r: items.write_expected(lambda user: answers[user.id], users, r))
    table = record.table("expected")
    assert list(zip(table["item"], table["amount"], table["step"], strict=True)) == [
        ("0", "", ""),
        ("1", "2.50", ""),
        ("2", "", "a"),
        ("2", "", "b"),
    ]


def test_a_scenario_that_expects_nothing_special_writes_no_table(tmp_path: Path) -> None:
    users = [SyntheticUser(0, "0", {})]
    assert not written(tmp_path, lambda r: items.write_expected(lambda user: None, users, r)).has("expected")


def test_long_contents_are_compared_whole(tmp_path: Path) -> None:
    users = [SyntheticUser(n, str(n), {}) for n in range(3)]
    letter = "dear sir, " * 50
    done = [Effect("0", content=letter), Effect("1", content=letter + "!"), Effect("2", content=letter)]

    def work(record: RecordWriter) -> None:
        record.rows("intended", item=["0", "1", "2"])
        items.write_expected(lambda user: Effect(user.id, content=letter), users, record)
        items.write_effects(done, record, "effects")
        items.write_outcomes([Outcome(user.id, "ok") for user in users], record, "items")

    account = balance(written(tmp_path, work), 3, "items", "effects")
    assert account is not None and account.of("corrupted") == ["1"]
    assert len(account.deeds.examples[0]) < 300 and account.deeds.examples[0].count("sha256") == 2


def test_null_and_numbers_are_taken_as_the_text_that_they_are(tmp_path: Path) -> None:
    said: Any = [Outcome("1", "ok", None), Outcome("2", "failed", 404), Outcome("3", None)]  # type: ignore[arg-type]
    done: Any = [Effect("1", None, None, None), Effect("2", Decimal("1.50"), 7, 8)]  # type: ignore[arg-type]

    def work(record: RecordWriter) -> None:
        items.read_outcomes(lambda: said, record, "items-1")
        items.read_effects(lambda: done, record, "effects-1")

    record = written(tmp_path, work)
    assert record.table("items-1")["detail"] == ["", "404", ""]
    assert record.table("items-1")["said"] == ["ok", "failed", "None"], (
        "which is told as no word that is known"
    )
    assert [*record.table("effects-1").values()] == [["1", "2"], ["", "1.50"], ["", "7"], ["", "8"]]
