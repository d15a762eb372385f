"""Attribution: does the planted line come first, and is a capture readable after a kill."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from pathlib import Path

from harness.checks.memory.sites import Site, rank
from harness.probes.attribution import Held, add_sites, as_rows
from harness.stage.agent_channel import site_packages
from tests.bench.memory.bench_service import FIXTURE, Bench, Gone, running

STORE = Path(".cache/bench-memory/lines")
RUNS, KILLS = 20, 10
GUNICORN = [sys.executable, "-m", "gunicorn", "-w", "2", "-b", "127.0.0.1:{port}", "--keep-alive", "60"]
SERVERS = {"uvicorn": None, "gunicorn": [*GUNICORN, "-k", "gthread", "--threads", "4", "forked:app"]}
MODES = ("quiet", "burst", "threads", "lru", "warmup", "sawtooth")
WARM_UP, ITEMS, EACH = 600, 1200, 25
MOST = 12000


def planted_line() -> int:
    """The line of the leak in habits.py."""
    lines = (FIXTURE / "habits.py").read_text().splitlines()
    return next(n for n, line in enumerate(lines, 1) if "# planted" in line)


def environment(mode: str, leak: int, seed: int) -> dict[str, str]:
    """The service's environment, with memray to be found."""
    return {
        "MEMORY_MODE": mode,
        "MEMORY_LEAK_BYTES": str(leak),
        "MEMORY_SEED": str(seed),
        "REHEARSE_AGENT_CAPTURE": str(site_packages() or ""),
    }


def track(bench: Bench, items: int, how: str = "") -> list[tuple[float, int]]:
    """Feeds items in a tracking window; returns the marks. Ends where the service dies."""
    for path in bench.sockets.glob("*.sock"):
        bench.ask(f"track {how}".strip(), path)
    marks = [(time.time() * 1000, bench.items)]
    try:
        for _ in range(items // EACH):
            bench.feed(EACH)
            marks.append((time.time() * 1000, bench.items))
            time.sleep(0.01)
    except Gone:
        marks.append((time.time() * 1000, bench.items))
    return marks


def first_site(bench: Bench, marks: list[tuple[float, int]]) -> list[Site]:
    """The ranked sites of all captures of a service together."""
    held: Held = {}
    for capture in bench.sockets.glob("*.capture"):
        with contextlib.suppress(ValueError):  # a master that does no items
            add_sites(held, capture, marks)
    return rank(as_rows(held, marks))


def lines() -> None:
    """20 runs on each server: which site comes first."""
    for seed in range(RUNS):
        for server, command in SERVERS.items():
            path = STORE / f"{server}-{seed}.json"
            if path.exists():
                continue
            mode, leak = MODES[seed % len(MODES)], (1024, 4096, 256)[seed % 3]
            with running(environment(mode, leak, seed), agent=True, command=command) as bench:
                bench.feed(WARM_UP)
                marks = track(bench, ITEMS, "python" if leak < 600 else "")
                for socket_ in bench.sockets.glob("*.sock"):
                    bench.ask("untrack", socket_)
                found = first_site(bench, marks)
            first = found[0] if found else None
            keep(
                path,
                {
                    "mode": mode,
                    "leak": leak,
                    "first": bool(first) and first.place.endswith(f"habits.py:{planted_line()}"),
                    "place": first.place if first else "",
                    "slope": first.slope if first else 0,
                    "count": first.count if first else 0,
                },
            )


def kills() -> None:
    """10 ends by SIGKILL and 10 by the kernel: is the capture readable, and the planted line in it."""
    for seed in range(KILLS):
        for how in ("sigkill", "oom"):
            path = STORE / f"{how}-{seed}.json"
            if path.exists():
                continue
            limit = 96 << 20 if how == "oom" else 0
            with running(environment("quiet", 20480, seed), agent=True, limit=limit) as bench:
                bench.feed(WARM_UP)
                marks = track(bench, ITEMS if how == "sigkill" else MOST)
                if how == "sigkill":
                    os.kill(bench.process.pid, signal.SIGKILL)
                bench.process.wait(30)
                found = first_site(bench, marks)
                first = bool(found) and found[0].place.endswith(f"habits.py:{planted_line()}")
                keep(path, {"first": first, "items": bench.items, "oom_kills": bench.oom_kills()})


def keep(path: Path, told: object) -> None:
    """One small file a run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(told))
    print(path.stem, told, file=sys.stderr, flush=True)


def main() -> None:
    """Collects what is missing."""
    kills()
    lines()


if __name__ == "__main__":
    main()
