"""The readers take rows from where batches leave them, and say what is wrong with what they find."""

from __future__ import annotations

import csv
import json
import sqlite3
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.model.scenario import Effect, Outcome
from harness.probes import readers

ROWS = [{"user": "1", "state": "paid", "why": ""}, {"user": "2", "state": "failed", "why": "no IBAN"}]
SAID = [Outcome("1", "ok"), Outcome("2", "failed", "no IBAN")]


def said(rows: list[readers.Row]) -> list[Outcome]:
    return list(readers.outcomes(rows, item="user", said="state", detail="why", words={"paid": "ok"}))


@dataclass
class Service:
    """Answers every GET with the same text."""

    text: str

    def get(self, path: str, *, whole: bool = False) -> Service:
        assert whole, "a long list must not be cut"
        return self

    def expect(self, *statuses: int) -> Service:
        return self


@pytest.mark.parametrize(
    ("text", "at"),
    [
        (json.dumps(ROWS), ""),
        (json.dumps({"data": {"items": ROWS}}), "data.items"),
        ("\n".join(json.dumps(row) for row in ROWS) + "\n", ""),
    ],
)
def test_http_reads_a_list_a_list_inside_and_a_document_a_line(text: str, at: str) -> None:
    assert said(readers.http(Service(text), "/status", at=at)) == SAID


def test_one_line_and_no_line_are_lists_too() -> None:
    assert readers.http(Service('{"item": "1"}'), "/ledger") == [{"item": "1"}]
    assert readers.http(Service(""), "/ledger") == []


def test_rows_without_names_are_named() -> None:
    rows = readers.http(
        Service('[["1", "paid", ""], ["2", "failed", "no IBAN"]]'), "/", names=("user", "state", "why")
    )
    assert said(rows) == SAID


def test_files_are_read_by_their_kind(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("user,state,why\n1,paid,\n2,failed,no IBAN\n", encoding="utf-8-sig")
    (tmp_path / "rows.jsonl").write_text("\n".join(json.dumps(row) for row in ROWS))
    assert said(readers.file(tmp_path / "rows.csv")) == said(readers.file(tmp_path / "rows.jsonl")) == SAID


def test_sql_reads_a_file_and_a_connection(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    with sqlite3.connect(path) as connection:
        connection.execute("create table payments (item text, amount text)")
        connection.execute("insert into payments values (?, ?)", ("1", "10.50"))
    query = "select item, amount from payments where item = ?"
    for where in (path, str(path), connection):
        assert list(readers.effects(readers.sql(where, query, ("1",)), amount="amount")) == [
            Effect("1", "10.50")
        ]
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        readers.sql(path, "delete from payments")


def test_a_commands_output_is_read() -> None:
    words = [sys.executable, "-c", f"print({json.dumps(json.dumps(ROWS))})"]
    assert said(readers.command(words)) == SAID


def test_logs_are_read_by_named_groups() -> None:
    log = b"12:00 paid item=1 amount=10.50\nnoise\n12:01 paid item=2 amount=3.00\n"
    rows = readers.log(log, r"paid item=(?P<item>\d+) amount=(?P<amount>[\d.]+)")
    assert list(readers.effects(rows, amount="amount")) == [Effect("1", "10.50"), Effect("2", "3.00")]


@pytest.mark.parametrize(
    ("read", "why"),
    [
        (lambda: said(readers.http(Service("<html>"), "/status")), "gave no JSON"),
        (lambda: said(readers.http(Service('{"items": 1}'), "/status", at="items")), "gave a int"),
        (
            lambda: said(readers.http(Service('{"itmes": []}'), "/status", at="items")),
            "no 'items', but itmes",
        ),
        (lambda: said([{"user": "1", "state": "PAID", "why": ""}]), "'PAID' is said"),
        (lambda: said([{"user": "1", "why": ""}]), "no 'state'"),
        (lambda: list(readers.effects([{"item": None}])), "'item' is null"),
        (lambda: list(readers.effects([{}])), "no 'item'"),
        (lambda: readers.http(Service("[[1, 2]]"), "/", names=("item",)), "the row"),
        (lambda: readers.file("/nowhere/at/all.csv"), "cannot be read"),
        (lambda: readers.sql("/nowhere/at/all.sqlite3", "select 1"), "no SQLite file"),
        (lambda: readers.command([sys.executable, "-c", "raise SystemExit('no database')"]), "no database"),
        (lambda: readers.command("no-such-program"), "did not run"),
        (lambda: readers.log("x", r"paid (\d+)"), "no named group"),
    ],
)
def test_what_cannot_be_read_says_why(read, why: str) -> None:
    with pytest.raises(readers.Unreadable, match=why):
        read()


ODD = "two\nlines, a\u2028break, a\x85break and a\x0cfeed"


def test_a_break_within_a_cell_is_no_end_of_a_row(tmp_path: Path) -> None:
    with (tmp_path / "ledger.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["item", "note"], ["1", ODD], ["2", "plain"]])
    assert [row["note"] for row in readers.file(tmp_path / "ledger.csv")] == [ODD, "plain"]
    lines = "".join(json.dumps({"item": n, "note": ODD}, ensure_ascii=False) + "\r\n" for n in "12")
    assert [row["note"] for row in readers.http(Service(lines), "/ledger")] == [ODD, ODD]
    assert readers.log("paid 1 to a\u2028b\r\npaid 2", r"paid (?P<item>\d+)(?P<rest>.*)") == [
        {"item": "1", "rest": " to a\u2028b"},
        {"item": "2", "rest": ""},
    ]


def test_null_is_no_detail_and_no_amount() -> None:
    row = {"item": "1", "said": "ok", "error": None, "amount": None}
    assert list(readers.outcomes([row], detail="error")) == [Outcome("1", "ok")]
    assert list(readers.effects([row], amount="amount")) == [Effect("1")]
