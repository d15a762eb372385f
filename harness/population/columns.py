"""A field's values for many users, in the form that suits the use: Python objects, UTF-8, or JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from harness.population.source import encoded
from harness.population.tables import Plate

SEPARATOR = 31
"""The control character "unit separator": never part of an ordinary draw."""


class Column(Protocol):
    """One field of many users. `patches` are the awkward values laid over it, by row."""

    patches: dict[int, Any]

    def values(self) -> list[Any]:
        """The values as Python objects."""

    def at(self, row: int) -> Any:
        """The ordinary value of one row."""

    def json(self) -> Plate:
        """The ordinary values as JSON, without the patches."""


def squeeze(plate: Plate) -> bytes:
    """All bytes of a plate but the filling."""
    return plate.tobytes().translate(None, b"\0")


@dataclass
class Text:
    """Strings, as a plate. `plain`: nothing in it has to be escaped in JSON."""

    plate: Plate
    plain: bool = True
    patches: dict[int, Any] = field(default_factory=dict)

    def values(self) -> list[Any]:
        """The values as strings."""
        return _patched(self._ordinary(), self.patches)

    def at(self, row: int) -> str:
        """The ordinary string of one row."""
        return squeeze(self.plate[row]).decode()

    def _ordinary(self) -> list[Any]:
        rows, width = self.plate.shape
        padded = np.empty((rows, width + 1), dtype=np.uint8)
        padded[:, :width] = self.plate
        padded[:, width] = SEPARATOR
        return list(squeeze(padded).decode().split(chr(SEPARATOR))[:rows])

    def utf8(self) -> tuple[bytes, npt.NDArray[np.int64]]:
        """The ordinary values as one run of UTF-8, and where each begins and the last one ends."""
        bounds = np.zeros(len(self.plate) + 1, dtype=np.int64)
        np.cumsum(np.count_nonzero(self.plate, axis=1), out=bounds[1:])
        full = int(bounds[-1]) == self.plate.size
        return self.plate.tobytes() if full else squeeze(self.plate), bounds

    def json(self) -> Plate:
        """The ordinary values as JSON strings."""
        if not self.plain:
            return fragments(self._ordinary())
        rows, width = self.plate.shape
        quoted = np.empty((rows, width + 2), dtype=np.uint8)
        quoted[:, 0] = quoted[:, -1] = ord('"')
        quoted[:, 1:-1] = self.plate
        return quoted


@dataclass
class Picked:
    """Values of any kind, chosen from a table of objects and their JSON."""

    places: npt.NDArray[np.int64]
    objects: npt.NDArray[np.object_]
    written: Plate
    patches: dict[int, Any] = field(default_factory=dict)

    def values(self) -> list[Any]:
        """The values as they are."""
        return _patched(self.objects.take(self.places).tolist(), self.patches)

    def at(self, row: int) -> Any:
        """The ordinary value of one row."""
        return self.objects[self.places[row]]

    def json(self) -> Plate:
        """The ordinary values as JSON."""
        return self.written.take(self.places, axis=0)


@dataclass
class Objects:
    """Values that a function of the author's computed, one by one."""

    items: list[Any]
    patches: dict[int, Any] = field(default_factory=dict)

    def values(self) -> list[Any]:
        """The values as they are."""
        return _patched(list(self.items), self.patches)

    def at(self, row: int) -> Any:
        """The ordinary value of one row."""
        return self.items[row]

    def json(self) -> Plate:
        """The ordinary values as JSON."""
        return fragments(self.items)


def _patched(found: list[Any], patches: dict[int, Any]) -> list[Any]:
    for row, value in patches.items():
        found[row] = value
    return found


def fragments(items: list[Any]) -> Plate:
    """Any values as a plate of JSON."""
    written = [encoded(item) for item in items]
    width = max([1, *map(len, written)])
    return np.array(written, dtype=f"S{width}").view(np.uint8).reshape(len(written), width)
