"""What the agent and its tracking window cost in CPU and memory. Resumable, one small file a run.

Two services of the same kind run side by side, one without the agent, and are fed in turn, 200 items each: what
else this machine does meets both. Both keep 1 KiB an item. The CPU is the scheduler's own account of every thread.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from harness.stage.family import family
from tests.bench.memory.bench_service import REQUEST, ROOT, Bench, running
from tests.bench.memory.lines import WARM_UP, environment, keep

STORE = Path(".cache/bench-memory/cost")
RUNS, TURNS, EACH = 5, 12, 200
PHASES = {
    "agent, no window yet": "",
    "inside the window": "track",
    "after the window": "untrack",
    "inside a window that traces small objects": "track python",
}
LEAK = 1024


def payment(number: int) -> bytes:
    """One payout of the sample, as its batch asks for it."""
    told = {"item": f"u{number}", "name": "Ada Example", "iban": "DE02120300000000202051", "amount": "12.50"}
    body = json.dumps(told).encode()
    head = (
        f"POST /payouts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    )
    return head.encode() + b"\r\n\r\n" + body


PAYOUTS = [sys.executable, "-m", "uvicorn", "--app-dir", str(ROOT / "fixtures/friday/payouts"), "payouts:app"]
SERVICES: dict[str, tuple[list[str] | None, Callable[[int], bytes]]] = {
    "quiet yardstick": (None, lambda number: REQUEST),
    "the sample's payouts": ([*PAYOUTS, "--port", "{port}"], payment),
}


def cpu_seconds(bench: Bench) -> float:
    """What all threads of the service have used so far, to the nanosecond."""
    total = 0
    for pid in family(bench.process.pid):
        for told in Path(f"/proc/{pid}/task").glob("*/schedstat"):
            with contextlib.suppress(OSError):  # a thread that has just ended
                total += int(told.read_text().split()[0])
    return total / 1e9


def ask_all(bench: Bench, words: str) -> None:
    """Says so to every process of the service."""
    for socket_ in bench.sockets.glob("*.sock"):
        told = bench.ask(words, socket_)
        assert "error" not in told, told


def one(service: str, seed: int) -> dict[str, list[float]]:
    """For each phase: CPU seconds an item without and with the agent, and by how many bytes more that one holds."""
    command, request = SERVICES[service]
    env = environment("quiet", LEAK, seed) | {"PAYOUTS_LEAK_BYTES": str(LEAK), "PAYOUTS_LEDGER": "/dev/null"}
    told = {}
    with running(env, command=command) as bare, running(env, command=command, agent=True) as watched:
        both = (bare, watched)
        for bench in both:
            bench.request = request
            bench.feed(WARM_UP)
        apart = (watched.held() or 0) - (bare.held() or 0)
        for phase, words in PHASES.items():
            if words:
                ask_all(watched, words)
            used = np.zeros(2)
            for _ in range(TURNS):
                for n, bench in enumerate(both):
                    before = cpu_seconds(bench)
                    bench.feed(EACH)
                    used[n] += cpu_seconds(bench) - before
            held = (watched.held() or 0) - (bare.held() or 0) - apart
            told[phase] = [*(used / (TURNS * EACH)), held]
    return told


def main() -> None:
    """Collects what is missing."""
    for seed in range(RUNS):
        for service in SERVICES:
            path = STORE / service / f"{seed}.json"
            if not path.exists():
                keep(path, one(service, seed))


if __name__ == "__main__":
    main()
