"""A healthy and a leaking service on Node and on a JVM. Resumable, one small file a run."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tests.bench.memory.bench_service import FIXTURE, running
from tests.bench.memory.collect import feed

STORE = Path(".cache/bench-memory/runtimes")
CLASSES = Path(".cache/bench-memory/classes")
ITEMS, LEAK, RUNS = 4000, 8192, 10


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


def main() -> None:
    """Collects the runs that are missing."""
    for seed in range(RUNS):
        for name, command in commands().items():
            for leak in (0, LEAK):
                path = STORE / f"{name}-{leak}" / f"{seed}.json"
                if path.exists():
                    continue
                started = time.monotonic()
                with running({"MEMORY_LEAK_BYTES": str(leak)}, command=command) as bench:
                    series = feed(bench, ITEMS)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(json.dumps(series))
                print(
                    f"{name}-{leak} {seed}: {time.monotonic() - started:.1f} s", file=sys.stderr, flush=True
                )


if __name__ == "__main__":
    main()
