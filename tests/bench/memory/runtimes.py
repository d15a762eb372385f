"""A healthy and a leaking service on Node and on a JVM. Resumable, one small file a run."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from pathlib import Path

from tests.bench.memory.bench_service import FIXTURE, running
from tests.bench.memory.collect import all_of, feed, jobs

STORE = Path(".cache/bench-memory/runtimes")
CLASSES = Path(".cache/bench-memory/classes")
ITEMS, LEAK, RUNS = 4000, 8192, 20


def commands() -> dict[str, list[str]]:
    """The command of each runtime that this machine has."""
    found = {}
    if shutil.which("node"):
        found["node"] = ["node", "--max-old-space-size=256", "service.js", "{port}"]
    if shutil.which("javac"):
        CLASSES.mkdir(parents=True, exist_ok=True)
        subprocess.run(["javac", "-d", CLASSES, FIXTURE / "Service.java"], check=True)
        java = [
            "java",
            "-Xmx96m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-cp",
            str(CLASSES.resolve()),
        ]
        found["jvm"] = [*java, "Service", "{port}"]
    return found


def collect(name: str, command: list[str], leak: int, seed: int) -> None:
    """One run of a runtime's service."""
    with running({"MEMORY_LEAK_BYTES": str(leak)}, command=command) as bench:
        series = feed(bench, ITEMS)
    path = STORE / f"{name}-{leak}" / f"{seed}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(series))


def missing() -> Iterator[tuple[str, Callable[[], object]]]:
    """The runs that are not kept yet."""
    for name, command in commands().items():
        for seed, leak in product(range(RUNS), (0, LEAK)):
            if not (STORE / f"{name}-{leak}" / f"{seed}.json").exists():
                yield f"{name}-{leak} {seed}", partial(collect, name, command, leak, seed)


if __name__ == "__main__":
    all_of(list(missing()), jobs())
