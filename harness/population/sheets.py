"""Sheet: some users in columns, and the forms they are wanted in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from harness.model.people import SyntheticUser
from harness.population.columns import Column, squeeze
from harness.population.source import encoded, fragment
from harness.population.tables import Plate
from harness.population.words import Words


@dataclass
class Sheet:
    """Users by column. `edges` tells which rows carry awkward values, and their labels."""

    indexes: Words
    columns: dict[str, Column]
    ids: Column
    edges: Mapping[int, tuple[str, ...]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.indexes)

    def values(self) -> dict[str, list[Any]]:
        """Every field's values as Python objects."""
        return {name: column.values() for name, column in self.columns.items()}

    def rows(self) -> list[dict[str, Any]]:
        """A dict for each user."""
        names = tuple(self.columns)
        columns = [column.values() for column in self.columns.values()]
        return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]

    def users(self) -> list[SyntheticUser]:
        """A SyntheticUser for each."""
        found = zip(self.indexes.tolist(), self.ids.values(), self.rows(), strict=True)
        return [
            SyntheticUser(index, user_id, data, self.edges.get(row, ()))
            for row, (index, user_id, data) in enumerate(found)
        ]

    def jsonl(self) -> bytes:
        """A line of JSON for each user, each ended by a newline."""
        lines = squeeze(self._plate())
        if not self.edges:
            return lines
        return b"\n".join(self._patched(lines)) + b"\n"

    def bodies(self) -> list[bytes]:
        """A JSON body for each user, ready to be sent."""
        return self._patched(squeeze(self._plate()))

    def _patched(self, lines: bytes) -> list[bytes]:
        found = lines.split(b"\n")[:-1]
        if self.edges:
            for row in self.edges:
                found[row] = encoded(self._row(row))
        return found

    def _row(self, row: int) -> dict[str, Any]:
        return {
            name: column.patches[row] if row in column.patches else column.at(row)
            for name, column in self.columns.items()
        }

    def _plate(self) -> Plate:
        """The lines of JSON with their filling."""
        parts = [
            (f"{',' if at else '{'}{fragment(name)}:".encode(), column.json())
            for at, (name, column) in enumerate(self.columns.items())
        ]
        width = sum(len(label) + plate.shape[1] for label, plate in parts) + 2
        out = np.empty((len(self), width), dtype=np.uint8)
        at = 0
        for label, plate in parts:
            out[:, at : at + len(label)] = np.frombuffer(label, dtype=np.uint8)
            at += len(label)
            out[:, at : at + plate.shape[1]] = plate
            at += plate.shape[1]
        out[:, at:] = np.frombuffer(b"}\n", dtype=np.uint8)
        return out
