"""Reads what came of the items: results.bin, block by block."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.drive.locust.terms import BLOCK, FAILED, OK, ROW, UNKNOWN

FIELDS = np.dtype(
    [("state", "u1"), ("again", "u1"), ("status", "<u2"), ("due", "<f4"), ("late", "<f4"), ("took", "<f4")]
)
SAID = {UNKNOWN: "unknown", OK: "ok", FAILED: "failed"}


@dataclass(frozen=True)
class Block:
    """Items of one lease: those that came to an end, by index."""

    indexes: NDArray[np.int64]
    rows: NDArray[Any]
    worker: int
    step: int


def blocks(path: Path) -> Iterator[Block]:
    """The blocks of results.bin, without the items that were not sent; a tail that is cut off is left out."""
    if not path.exists():
        return
    with path.open("rb") as file:
        while len(head := file.read(BLOCK.size)) == BLOCK.size:
            first, stride, count, worker, step = BLOCK.unpack(head)
            data = file.read(count * ROW.size)
            if len(data) < count * ROW.size:
                return
            rows = np.frombuffer(data, FIELDS)
            ended = rows["state"] >= UNKNOWN
            indexes = first + stride * np.flatnonzero(ended)
            yield Block(indexes.astype(np.int64), rows[ended], worker, step)
