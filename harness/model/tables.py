"""Tables of rows, wherever they are kept: in the files of a record, or in memory for a single try."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

Columns = dict[str, list[Any]]


class Tables(Protocol):
    """What is read by whoever balances a ledger: a record, or Pages."""

    def has(self, table: str) -> bool:
        """Whether such a table was written, be it without rows."""

    def chunks(self, table: str) -> Iterator[Columns]:
        """The rows of a table as columns, one chunk at a time."""


class TableWriter(Protocol):
    """What takes rows: the writer of a record, or Pages."""

    def rows(self, table: str, **columns: Sequence[Any]) -> None:
        """Appends a chunk of rows, given as columns of equal length."""


class Pages:
    """Tables in memory."""

    def __init__(self) -> None:
        self._chunks: dict[str, list[Columns]] = {}

    def rows(self, table: str, **columns: Sequence[Any]) -> None:
        """Appends a chunk of rows, given as columns of equal length."""
        self._chunks.setdefault(table, []).append({name: list(values) for name, values in columns.items()})

    def has(self, table: str) -> bool:
        """Whether such a table was written, be it without rows."""
        return table in self._chunks

    def chunks(self, table: str) -> Iterator[Columns]:
        """The rows of a table as columns, one chunk at a time."""
        return iter(self._chunks.get(table, []))
