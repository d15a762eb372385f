"""How much a large ledger costs: `python tests/bench/ledger.py [items] [effects]`.

Budget: a million items and two million effects within 10 s of CPU and 1 GiB, reading the record included.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

from harness.checks.ledger import balance
from harness.model.record import Manifest, Record, RecordWriter

CHUNK = 50_000
MANIFEST = Manifest(
    scenario="bench",
    source="bench.py",
    summary="",
    run="1",
    seed=1,
    usual=1,
    scales=[1],
    deadline=None,
    stage="process",
    stage_why="",
    triggers=[],
    services=[],
    population={},
    versions={},
    machine={},
    started="",
)


def write(folder: Path, items: int, effects: int) -> None:
    """A record as a rehearsal leaves it: every item paid, and the first again until there are enough effects."""
    words = ("ok", "ok", "failed", "unknown")
    with RecordWriter(folder) as record:
        record.manifest(MANIFEST)
        for first in range(0, items, CHUNK):
            numbers = range(first, min(first + CHUNK, items))
            names = [str(1_000_000 + n) for n in numbers]
            amounts = [f"{n % 249_989}.50" for n in numbers]
            record.rows("intended", item=names)
            record.rows(
                "expected", item=names, step=[""] * len(names), amount=amounts, content=[""] * len(names)
            )
            record.rows("items-1", item=names, said=[words[n % 4] for n in numbers], detail=[""] * len(names))
        for first in range(0, effects, CHUNK):
            numbers = [n % items for n in range(first, min(first + CHUNK, effects))]
            record.rows(
                "effects-1",
                item=[str(1_000_000 + n) for n in numbers],
                amount=[f"{n % 249_989}.50" for n in numbers],
                step=[""] * len(numbers),
                content=[""] * len(numbers),
            )


def main(items: int, effects: int) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        write(Path(scratch) / "run", items, effects)
        record = Record(Path(scratch) / "run")
        before, cpu = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
        account = balance(record, items, "items-1", "effects-1")
        spent = time.process_time() - cpu
    assert account is not None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    duplicated = account.count("duplicated")
    print(
        f"{items:,} items, {effects:,} effects: {spent:.1f} s CPU, {peak / 1024:,.0f} MiB at the peak", end=""
    )
    sys.stdout.write(
        f" ({before / 1024:,.0f} MiB before); {duplicated:,} duplicated, {account.overpaid:,} too much"
    )


if __name__ == "__main__":
    main(*(int(word) for word in (sys.argv[1:] or ["1000000", "2000000"])))
