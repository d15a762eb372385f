"""What the tests of load share: a recording downstream in a process of its own, and orders for it."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.drive.locust.results import SAID, blocks
from harness.drive.locust.terms import Order, Step, Template
from harness.population import Population

RECORDER = Path(__file__).with_name("recorder.py")
PEOPLE = Population(5, Population.spec("id", "amount"))
BODY = {"id": "{id}", "amount": "{amount}"}


@dataclass
class Recorder:
    """The downstream: where it is, and what it was asked."""

    base: str
    log: Path

    def lines(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []

    def ids(self) -> Counter[int]:
        """How often each user arrived, by index."""
        found = (PEOPLE.index_of(line.split()[0].rpartition("/")[2]) for line in self.lines())
        return Counter(index for index in found if index is not None)


@contextlib.contextmanager
def recorder(
    folder: Path, pace: str = "0.005", before: tuple[str, ...] = (), host: str = "127.0.0.1"
) -> Iterator[Recorder]:
    log = folder / "asked.log"
    words = [*before, "env", f"RECORDER_HOST={host}", sys.executable, str(RECORDER), str(log), pace]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Recorder(f"http://{host}:{int(process.stdout.readline())}", log)
        finally:
            process.terminate()


def order(base: str, *steps: Step, workers: int = 2, **request: Any) -> Order:
    """One POST a user; its id stands in the path."""
    asks = Template(**({"base": base, "method": "POST", "path": "/pay/{id}", "json": BODY} | request))
    return Order(population=PEOPLE.describe(), request=asks, steps=list(steps), workers=workers)


def said(folder: Path) -> dict[int, str]:
    """What became of each item that was sent. An item that is told of twice fails the test."""
    found: dict[int, str] = {}
    for block in blocks(folder / "results.bin"):
        for index, state in zip(block.indexes.tolist(), block.rows["state"].tolist(), strict=True):
            assert index not in found, f"item {index} has two ends"
            found[index] = SAID[state]
    return found


def soon(seconds: float = 100) -> float:
    return time.monotonic() + seconds
