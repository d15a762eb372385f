"""The yardstick under the product's own sampler and checks: a record as a rehearsal would write it."""

from __future__ import annotations

import contextlib
from pathlib import Path

from msgspec.structs import replace

from harness.checks.memory import check, words
from harness.model.events import NotSeen, ScaleDone
from harness.model.finding import Finding
from harness.model.memory import Ceiling, MemoryReading
from harness.model.record import Record, RecordWriter, ServiceFacts
from harness.model.scenario import Progress
from harness.model.stage import Ending
from harness.probes.memory import MemorySampler
from harness.stage.family import family
from harness.stage.memory_files import Cgroup, ceilings, read_processes
from tests.bench.memory.bench_service import Bench, Gone
from tests.checks.books import manifest

LIMIT = 128 << 20


class Yardstick:
    """A bench service as the stage would show it. `blind_after` readings its memory cannot be read any more."""

    name, address = "yardstick", ("127.0.0.1", 0)

    def __init__(self, bench: Bench, *, blind_after: float = float("inf")) -> None:
        self.bench, self._blind, self._read = bench, blind_after, 0
        self._cgroup = Cgroup(bench.process.pid) if bench.group else None

    def memory(self, *, deep: bool = False) -> MemoryReading | None:
        self._read += 1
        if self._read > self._blind:
            return None
        if self._cgroup:
            return self._cgroup.reading(deep=deep)
        return read_processes(family(self.bench.process.pid), deep=deep)

    def ceilings(self) -> list[Ceiling]:
        return ceilings(family(self.bench.process.pid))

    def oom_events(self) -> int | None:
        return None

    def runtime(self) -> str:
        return "python"

    def live_heap(self) -> int | None:
        return None

    def ask_agent(self, words: str) -> dict[int, dict[str, object]]:
        return {}

    def captures(self) -> list[Path]:
        return []

    def hold(self) -> bool:
        return True

    def let_go(self) -> None:
        pass

    def ending(self) -> Ending | None:
        return None

    def revive(self) -> None:
        pass

    def logs(self) -> bytes:
        return b""


def rehearsed(folder: Path, service: Yardstick, items: int, *, limit: int = LIMIT) -> Record:
    """Feeds items one scale long, with checkpoints, as a rehearsal does. A worker that dies costs its items."""
    bench, step = service.bench, max(4, items // 80)
    folder.mkdir(parents=True)
    with RecordWriter(folder) as record:
        facts = ServiceFacts(name=service.name, memory_limit=limit, image="process", entry=service.name)
        record.manifest(replace(manifest([1], items), services=[facts]))
        with MemorySampler({service.name: service}, record, 1) as sampler:
            tried = 0
            while tried < items:
                progress = Progress(bench.items, tried - bench.items, running=True)
                record.rows("progress-1", t=[record.now], done=[progress.done], failed=[progress.failed])
                sampler.look_closely(progress)
                with contextlib.suppress(Gone):
                    bench.feed(step)
                tried += step
                with contextlib.suppress(OSError):
                    bench.reconnect()
        record.event(
            ScaleDone(
                scale=1,
                users=items,
                trigger="feed",
                presses=1,
                seconds=record.now,
                batch_seconds=record.now,
                complete=True,
            )
        )
    return Record(folder)


def said(record: Record) -> tuple[str, list[Finding], list[NotSeen]]:
    """The word with its numbers, the findings, and what was not seen."""
    found = list(check(record))
    word = next(iter(words(record).values()), "not checked")
    unseen = [each for each in found if isinstance(each, NotSeen)] + record.all(NotSeen)
    return word, [each for each in found if isinstance(each, Finding)], unseen
