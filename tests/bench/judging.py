"""How much judging costs: `python -m tests.bench.judging [users at the largest scale]`.

Budget: `rehearse judge` of a record of a million users within 10 s of CPU and 1 GiB, reports included. The record is
as a rehearsal at 1x and 10x leaves it: each user's word and effect, readings of memory and of progress, and one user
in a thousand who fails.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec
import numpy as np

from harness.model.events import Ended, Pressed, ScaleDone, StageUp
from harness.model.exchange import Exchange, Sizes
from harness.model.record import RecordWriter, ServiceFacts
from tests.bench.ledger import CHUNK, MANIFEST

READINGS = 20_000
SERVICES = ("batch", "payouts")
MIB = 2**20


def write(folder: Path, top: int, scales: tuple[int, ...] = (1, 10)) -> None:
    """The record of a rehearsal whose largest scale has `top` users."""
    usual = top // scales[-1]
    facts = [ServiceFacts(name=name, memory_limit=512 * MIB, image="i", entry=name) for name in SERVICES]
    with RecordWriter(folder) as record:
        record.manifest(
            msgspec.structs.replace(
                MANIFEST, usual=usual, scales=list(scales), services=facts, triggers=["t"], deadline=3600.0
            )
        )
        for first, names in _chunks(top):
            amounts = [f"{n % 249_989}.50" for n in range(first, first + len(names))]
            same = [""] * len(names)
            record.rows("intended", item=names)
            record.rows("expected", item=names, step=same, amount=amounts, content=same)
        record.event(StageUp(purpose="1x", seconds=1.0))
        for scale in scales:
            _scale(record, scale, usual * scale)
        record.event(Ended(status="completed", why="", seconds=1.0, harness_cpu=1.0))


def _chunks(users: int) -> list[tuple[int, list[str]]]:
    return [
        (first, [str(1_000_000 + n) for n in range(first, min(first + CHUNK, users))])
        for first in range(0, users, CHUNK)
    ]


def _scale(record: RecordWriter, scale: int, users: int) -> None:
    for first, names in _chunks(users):
        numbers = range(first, first + len(names))
        said = ["failed" if n % 1000 == 7 else "ok" for n in numbers]
        detail = ["status 500" if n % 1000 == 7 else "" for n in numbers]
        record.rows(f"items-{scale}", item=names, said=said, detail=detail)
        paid = [name for name, word in zip(names, said, strict=True) if word == "ok"]
        amounts = [f"{(int(name) - 1_000_000) % 249_989}.50" for name in paid]
        record.rows(
            f"effects-{scale}", item=paid, amount=amounts, step=[""] * len(paid), content=[""] * len(paid)
        )
    seconds = users / 500
    t = np.linspace(0, seconds, READINGS)
    done = np.linspace(0, users, READINGS).astype(int)
    record.rows(f"progress-{scale}", t=t.tolist(), done=done.tolist(), failed=[0] * READINGS)
    for k, name in enumerate(SERVICES):
        held = (60 * MIB + k * 100 * done).astype(int)
        record.rows(f"memory-{scale}", t=t.tolist(), service=[name] * READINGS, bytes=held.tolist())
    exchange = Exchange(
        service="batch", method="POST", path="/", sizes=Sizes(1, 1, 1, 1, 1), status=200, body=""
    )
    record.event(
        Pressed(
            scale=scale, trigger="t", press=1, users=users, exchange=exchange, accepted=True, why="", seconds=seconds,
            done=users, failed=users // 1000, left=0,
        )
    )  # fmt: skip
    record.event(
        ScaleDone(
            scale=scale,
            users=users,
            trigger="t",
            presses=1,
            seconds=seconds,
            batch_seconds=seconds,
            complete=True,
        )
    )


def measure(folder: Path) -> tuple[float, float]:
    """(seconds of CPU, MiB at the peak) of `rehearse judge` in a process of its own."""
    code = "from harness.cli import main; main()"
    subprocess.run([sys.executable, "-c", code, "judge", str(folder), "--quiet"], check=False)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main(top: int) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "run"
        write(folder, top)
        seconds, peak = measure(folder)
    sys.stdout.write(f"{top:,} users at 10x: judged in {seconds:.1f} s of CPU, {peak:,.0f} MiB at the peak\n")


if __name__ == "__main__":
    main(int((sys.argv[1:] or ["1000000"])[0]))
