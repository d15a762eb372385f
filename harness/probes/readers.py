"""Readers for `outcomes()` and `effects()`: rows from where a batch leaves them, made into what the checker takes.

    from harness.probes import readers

    def outcomes(self, live):
        rows = readers.http(live.batch, "/payouts/status", at="items", names=("user", "state", "error"))
        return readers.outcomes(rows, item="user", said="state", detail="error", words={"paid": "ok"})

    def effects(self, live):
        return readers.effects(readers.sql("ledger.sqlite3", "select item, amount from payments"), amount="amount")

A source (`http`, `sql`, `file`, `command`, `inside`, `log`) gives rows as dictionaries; `outcomes` and `effects` name
their columns. A row without its column, or a word that is not known, is an error that shows the row.
"""

from __future__ import annotations

import csv
import json
import re
import shlex
import sqlite3
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol, get_args

from harness.errors import HarnessError
from harness.model.scenario import Effect, Outcome, Said

Row = Mapping[str, Any]


class Unreadable(HarnessError):
    """The place that shall be read does not hold what was expected."""


class Text(Protocol):
    """An answer whose body can be read as text."""

    @property
    def text(self) -> str:
        """The body."""

    def expect(self, *statuses: int) -> Text:
        """This answer, if its status is one of these."""


class Gets(Protocol):
    """A client such as `live.batch`."""

    def get(self, path: str, *, whole: bool = False) -> Text:
        """GET."""


class Runs(Protocol):
    """A client such as `live.batch`."""

    def run(self, words: Sequence[str], *, aside: bool = False) -> Text:
        """Runs a command."""


class Connection(Protocol):
    """A DB-API 2.0 connection."""

    def cursor(self) -> Any:
        """A new cursor."""


def http(client: Gets, path: str, *, at: str = "", names: Sequence[str] = ()) -> list[Row]:
    """Rows from an answer: a JSON list, JSON with the list `at` a key ("data.items"), or a JSON document a line."""
    return _rows(client.get(path, whole=True).expect(200).text, at, names, f"GET {path}")


def file(path: str | Path, *, at: str = "", names: Sequence[str] = ()) -> list[Row]:
    """Rows from a file: CSV with a header by its ending, else JSON or a JSON document a line."""
    path = Path(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            return (
                list(csv.DictReader(lines))
                if path.suffix == ".csv"
                else _rows(lines.read(), at, names, str(path))
            )
    except OSError as problem:
        raise Unreadable(
            f"{path} cannot be read: {problem.strerror}", expected="a file with rows"
        ) from problem


def sql(where: str | Path | Connection, query: str, parameters: Sequence[Any] = ()) -> list[Row]:
    """Rows of a query: in a SQLite file, opened for reading only, or on any DB-API connection."""
    if isinstance(where, str | Path):
        if not Path(where).is_file():
            raise Unreadable(
                f"there is no SQLite file {where}", expected="the batch's or the downstream's database"
            )
        with closing(sqlite3.connect(f"{Path(where).resolve().as_uri()}?mode=ro", uri=True)) as connection:
            return sql(connection, query, parameters)
    with closing(where.cursor()) as cursor:
        cursor.execute(query, parameters)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def command(
    words: str | Sequence[str], *, at: str = "", names: Sequence[str] = (), timeout: float = 60
) -> list[Row]:
    """Rows from what a command writes to stdout, as JSON or a JSON document a line."""
    argv = shlex.split(words) if isinstance(words, str) else list(words)
    try:
        run = subprocess.run(
            argv, capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise Unreadable(
            f"`{shlex.join(argv)}` did not run: {problem}", expected="a command that ends"
        ) from problem
    if run.returncode:
        said = (run.stderr or run.stdout).strip()[-300:]
        raise Unreadable(f"`{shlex.join(argv)}` ended with {run.returncode}: {said}", expected="exit code 0")
    return _rows(run.stdout, at, names, f"`{shlex.join(argv)}`")


def inside(service: Runs, words: Sequence[str], *, at: str = "", names: Sequence[str] = ()) -> list[Row]:
    """Rows from what a command writes to stdout in the service's container, or beside its process."""
    return _rows(service.run(words, aside=True).expect(0).text, at, names, f"`{shlex.join(words)}`")


def log(text: str | bytes, pattern: str) -> list[Row]:
    """A row for each line that `pattern` is found in: its named groups, as in r"paid (?P<item>\\d+)"."""
    compiled = re.compile(pattern)
    if not compiled.groupindex:
        raise Unreadable(f"the pattern {pattern!r} has no named group", expected=r"such as (?P<item>\d+)")
    lines = (text.decode(errors="replace") if isinstance(text, bytes) else text).split("\n")
    return [match.groupdict() for line in lines if (match := compiled.search(line.removesuffix("\r")))]


def outcomes(
    rows: Iterable[Row],
    *,
    item: str = "item",
    said: str = "said",
    detail: str = "",
    words: Mapping[str, str] | None = None,
) -> Iterator[Outcome]:
    """Outcomes from rows; `words` turns the batch's own words into ok, failed, unknown or running."""
    known = {word: word for word in get_args(Said)} | dict(words or {})
    for row in rows:
        word = str(_cell(row, said))
        if known.get(word) not in get_args(Said):
            raise Unreadable(
                f"{word!r} is said in {dict(row)!r:.200}",
                expected=f"one of {', '.join(known)}",
                fix="give the word's meaning in words={...}",
            )
        said_: Any = known[word]
        yield Outcome(str(_cell(row, item)), said_, _or_nothing(row, detail))


def effects(
    rows: Iterable[Row], *, item: str = "item", amount: str = "", step: str = "", content: str = ""
) -> Iterator[Effect]:
    """Effects from rows; columns that are not named, and cells that are null, stay empty."""
    for row in rows:
        more = (_or_nothing(row, name) for name in (amount, step, content))
        yield Effect(str(_cell(row, item)), *more)


def _cell(row: Row, name: str) -> Any:
    if row.get(name) is None:
        seen = f"{name!r} is null" if name in row else f"there is no {name!r}"
        raise Unreadable(f"{seen} in {dict(row)!r:.200}", expected="a row with that column")
    return row[name]


def _or_nothing(row: Row, name: str) -> str:
    """A cell that may be empty; where its column is missing as a whole, that is an error."""
    return "" if not name or (name in row and row[name] is None) else str(_cell(row, name))


def _rows(text: str, at: str, names: Sequence[str], where: str) -> list[Row]:
    found = _decode(text, where)
    if not at and isinstance(found, dict):
        found = [found]  # a document a line, and one line so far
    for key in at.split(".") if at else ():
        if not isinstance(found, dict) or key not in found:
            keys = ", ".join(found) if isinstance(found, dict) else f"a {type(found).__name__}"
            raise Unreadable(f"{where} has no {key!r}, but {keys}", expected=f"a list at {at!r}")
        found = found[key]
    if not isinstance(found, list):
        raise Unreadable(
            f"{where} gave a {type(found).__name__}", expected="a list of rows", fix="say where: at=..."
        )
    return [_named(row, names, where) for row in found]


def _decode(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        try:
            return [json.loads(line) for line in text.split("\n") if line.strip()]
        except ValueError as problem:
            raise Unreadable(
                f"{where} gave no JSON ({problem}): {text[:80]!r}", expected="JSON, or JSONL"
            ) from problem


def _named(row: Any, names: Sequence[str], where: str) -> Row:
    if isinstance(row, dict):
        return row
    cells = row if isinstance(row, list) else [row]
    if len(cells) != len(names):
        raise Unreadable(
            f"{where} gave the row {row!r:.100}",
            expected="an object, or as many cells as names",
            fix='name the cells: names=("item", "said")',
        )
    return dict(zip(names, cells, strict=True))
