"""The slate: what a worker is about to send and what came of it, in a memory-mapped file that outlives the worker.

A write costs less than a microsecond, and it is in the page cache when the next line runs: SIGKILL does not take it
back. (A power cut may: then the machine's items are unknown to the others anyway.)
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from pathlib import Path

from harness.drive.locust.terms import ROW, SENDING, Lease

SLOTS = 8
_NAME = 128
_HEAD = struct.Struct("<IIIIIdd??")


class Slate:
    """A file of SLOTS leases, each with a row an item. A slot is free, or holds one lease. `name` is the worker's;
    a file that is there already is read as it is."""

    def __init__(self, path: Path, most: int, name: str = "") -> None:
        self.path, self.most = path, most
        self._slot = _HEAD.size + most * ROW.size
        if not path.exists():
            draft = path.with_suffix(".new")
            draft.write_bytes(name.encode()[:_NAME].ljust(_NAME, b"\0") + bytes(SLOTS * self._slot))
            draft.rename(path)
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)
        self.name = self._map[:_NAME].rstrip(b"\0").decode()
        self.free = [slot for slot in range(SLOTS) if self._read(slot) is None]

    def open(self, lease: Lease) -> int:
        """Puts a lease into a free slot: its items are unsent. The head is written last."""
        slot = self.free.pop()
        at = self._at(slot)
        body = at + _HEAD.size
        self._map[body : body + lease.count * ROW.size] = bytes(lease.count * ROW.size)
        facts = (lease.number, lease.step, lease.first, lease.stride, lease.count)
        _HEAD.pack_into(self._map, at, *facts, lease.due, lease.gap, lease.again, True)
        return slot

    def close(self, slot: int) -> None:
        """The lease is settled: the master has its rows."""
        self._map[self._at(slot) + _HEAD.size - 1] = 0
        self.free.append(slot)

    def row(self, slot: int, place: int) -> int:
        """Where the row of an item stands."""
        return self._at(slot) + _HEAD.size + place * ROW.size

    def sending(self, at: int, again: bool, due: float, late: float) -> None:
        """To be called right before the item goes out."""
        ROW.pack_into(self._map, at, SENDING, again, 0, due, late, 0.0)

    def done(self, at: int, state: int, status: int, took: float) -> None:
        """What came of it. The state is written last."""
        struct.pack_into("<H", self._map, at + 2, status)
        struct.pack_into("<f", self._map, at + 12, took)
        self._map[at] = state

    def rows(self, slot: int, count: int) -> bytes:
        """The rows of a lease as they stand."""
        at = self.row(slot, 0)
        return self._map[at : at + count * ROW.size]

    def leases(self) -> Iterator[tuple[int, Lease]]:
        """The slots that hold a lease."""
        for slot in range(SLOTS):
            lease = self._read(slot)
            if lease is not None:
                yield slot, lease

    def _read(self, slot: int) -> Lease | None:
        *facts, live = _HEAD.unpack_from(self._map, self._at(slot))
        return Lease(*facts) if live else None

    def _at(self, slot: int) -> int:
        return _NAME + slot * self._slot
