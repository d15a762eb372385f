"""`python -m tests.bench.load`: items mode against a bare FastHttpUser and wrk, per second of client CPU, and a
million items through several workers. Rewrites the tables in tests/bench/load.md.

All contestants post to the same nginx, which answers 200 and does nothing. Requests are counted by nginx itself, and
CPU over the same window in all of a contestant's processes, so that a busy machine disturbs the ratio little; the
contestants take turns, and the medians of their rounds are compared.
"""

from __future__ import annotations

import contextlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
from msgspec.structs import replace

from harness.drive.locust.fleet import Fleet, Note
from harness.drive.locust.results import blocks
from harness.drive.locust.terms import Order, Step, Template
from harness.population import Population

PAGE = Path(__file__).with_name("load.md")
START, END = "<!-- measured -->", "<!-- end -->"
PORT = 18_471
WORKERS, USERS = 2, 16
ROUNDS, WARM, WINDOW = 5, 2.0, 4.0
GOAL = 0.95
BARE = """
from locust import FastHttpUser, task
BODY, HEADERS = b'{"id": "1234567", "amount": "12.50"}', {"Content-Type": "application/json"}
class Bare(FastHttpUser):
    @task
    def post(self):
        self.client.post("/item", data=BODY, headers=HEADERS)
"""
WRK = """
wrk.method = "POST"
wrk.body = '{"id": "1234567", "amount": "12.50"}'
wrk.headers["Content-Type"] = "application/json"
"""
NGINX = """
worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{ access_log off; keepalive_requests 100000000; client_body_temp_path {folder}/body;
  server {{ listen 127.0.0.1:{port} backlog=1024;
    location /count {{ stub_status; }}
    location / {{ return 200 ok; }} }} }}
"""


@contextlib.contextmanager
def nginx() -> Iterator[None]:
    """The endpoint, up."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "nginx.conf"
        config.write_text(NGINX.format(folder=folder, port=PORT))
        process = subprocess.Popen(["nginx", "-c", str(config), "-e", f"{folder}/error.log"])
        try:
            until = time.monotonic() + 10
            while time.monotonic() < until:
                with contextlib.suppress(OSError):
                    requests()
                    break
                time.sleep(0.05)
            yield
        finally:
            process.terminate()
            process.wait(10)


def requests() -> int:
    """How many requests nginx has seen."""
    with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/count", timeout=5) as answer:
        return int(answer.read().decode().splitlines()[2].split()[2])


def cpu(processes: list[psutil.Process]) -> float:
    """Seconds of CPU that these processes and all below them have used."""
    every = {
        process.pid: process for parent in processes for process in [parent, *parent.children(recursive=True)]
    }
    return sum(sum(process.cpu_times()[:2]) for process in every.values())


def measured(processes: Callable[[], list[psutil.Process]]) -> float:
    """Requests for each second of client CPU, in a window in which they flow."""
    before = requests()
    until = time.monotonic() + 90
    while requests() < before + 500:
        if time.monotonic() > until:
            raise SystemExit("no requests came")
        time.sleep(0.1)
    time.sleep(WARM)
    clients = processes()
    seen, used = requests(), cpu(clients)
    time.sleep(WINDOW)
    return (requests() - seen) / (cpu(clients) - used)


def items(folder: Path) -> float:
    """Items mode."""
    step = Step(first=0, count=4_000_000, concurrency=USERS)
    with Fleet(order([step]), folder) as fleet:
        assert fleet.workers is not None and fleet.master is not None
        children = [fleet.master, *fleet.workers.children]
        return measured(lambda: [psutil.Process(child.process.pid) for child in children])


def order(steps: list[Step]) -> Order:
    """One POST a user."""
    request = Template(
        base=f"http://127.0.0.1:{PORT}",
        method="POST",
        path="/item",
        json={"id": "{id}", "amount": "{amount}"},
    )
    people = Population(1, Population.spec("id", "amount", id_digits=8))
    return Order(population=people.describe(), request=request, steps=steps, workers=WORKERS)


def bare(folder: Path) -> float:
    """FastHttpUser as its documentation writes it, with as many workers."""
    folder.mkdir()
    (folder / "bare.py").write_text(BARE)
    words = [sys.executable, "-m", "locust", "-f", str(folder / "bare.py"), "--headless", "--only-summary"]
    words += ["-u", str(USERS), "-r", "1000", "-H", f"http://127.0.0.1:{PORT}", "--processes", str(WORKERS)]
    words += ["--loglevel", "ERROR"]
    return other(words, folder)


def wrk(folder: Path) -> float:
    """wrk with one thread."""
    folder.mkdir()
    (folder / "post.lua").write_text(WRK)
    return other(
        ["wrk", "-t1", f"-c{USERS}", "-d60", "-s", str(folder / "post.lua"), f"http://127.0.0.1:{PORT}/item"],
        folder,
    )


def other(words: list[str], folder: Path) -> float:
    """A contestant that is a command."""
    process = subprocess.Popen(words, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        return measured(lambda: [psutil.Process(process.pid)])
    finally:
        process.terminate()
        process.wait(30)


CONTESTANTS = {"items mode": items, "bare FastHttpUser": bare, "wrk": wrk}


def ratios(scratch: Path) -> list[str]:
    """The table of requests a CPU second; fails where items mode misses its goal."""
    seen: dict[str, list[float]] = {name: [] for name in CONTESTANTS}
    for number in range(ROUNDS):
        order = list(CONTESTANTS)
        for name in order[number % 3 :] + order[: number % 3]:
            seen[name].append(CONTESTANTS[name](scratch / f"{name.split()[0]}-{number}"))
            print(f"round {number + 1} {name}: {seen[name][-1]:,.0f} requests a CPU second", flush=True)
    medians = {name: statistics.median(values) for name, values in seen.items()}
    own, peer = medians["items mode"], medians["bare FastHttpUser"]
    lowest = min(a / b for a, b in zip(seen["items mode"], seen["bare FastHttpUser"], strict=True))
    return [
        "| client | requests a CPU second, median | range | against a bare FastHttpUser |",
        "|---|---|---|---|",
        *(
            f"| {name} | {medians[name]:,.0f} | {min(values):,.0f} to {max(values):,.0f} |"
            f" {medians[name] / peer:.2f} |"
            for name, values in seen.items()
        ),
        "",
        f"Goal: items mode at {GOAL} or more of a bare FastHttpUser: {own / peer:.2f},"
        f" {'met' if own / peer >= GOAL else 'MISSED'}; in the worst of {ROUNDS} rounds {lowest:.2f}.",
    ]


def million(folder: Path, count: int = 1_000_000) -> list[str]:
    """So many items through three workers: how long, and what each process held on the way."""
    steps = [Step(first=0, count=count, concurrency=24)]
    readings: list[tuple[int, list[int]]] = []
    before = requests()
    began = time.monotonic()
    with Fleet(replace(order(steps), workers=3), folder) as fleet:
        assert fleet.workers is not None and fleet.master is not None
        processes = [psutil.Process(child.process.pid) for child in [fleet.master, *fleet.workers.children]]

        def seen(note: Note) -> None:
            if note["what"] == "progress":
                readings.append((note["count"]["ok"], [process.memory_info().rss for process in processes]))
                if len(readings) % 20 == 0:
                    print(f"{readings[-1][0]:,} items", flush=True)

        fleet.wait(time.monotonic() + 3600, seen)
        end = next(fleet.of("end"))["count"]
        parent = psutil.Process().memory_info().rss
    seconds = time.monotonic() - began
    told = np.zeros(count, np.uint8)
    for block in blocks(folder / "results.bin"):
        np.add.at(told, block.indexes, 1)
    once = bool((told == 1).all())
    rows = [
        "| process | resident at a tenth | at half | at the end |",
        "|---|---|---|---|",
    ]
    marks = [min(readings, key=lambda one: abs(one[0] - share * count))[1] for share in (0.1, 0.5, 1.0)]
    for at, name in enumerate(["master", "worker 1", "worker 2", "worker 3"]):
        rows.append(f"| {name} | " + " | ".join(f"{mark[at] / 2**20:.1f} MiB" for mark in marks) + " |")
    return [
        f"{count:,} items, 24 users at once: {end['ok']:,} ok, {end['failed']:,} failed, {end['unknown']:,} unknown;"
        f" nginx counted {requests() - before - 1:,};"
        f" each {'told of exactly once' if once else 'NOT told of exactly once'}; {seconds:,.0f} s,"
        f" {count / seconds:,.0f} a second on a busy machine. The parent held {parent / 2**20:.0f} MiB.",
        "",
        *rows,
    ]


def main() -> None:
    """Measures and rewrites the table; exit code 1 where the goal is missed."""
    missing = [name for name in ("nginx", "wrk") if shutil.which(name) is None]
    if missing:
        raise SystemExit(f"{' and '.join(missing)} missing: on Debian, apt-get install nginx-light wrk")
    with nginx(), tempfile.TemporaryDirectory() as scratch:
        table = [*ratios(Path(scratch)), "", *million(Path(scratch) / "million")]
    text = PAGE.read_text()
    head, _, rest = text.partition(START)
    PAGE.write_text(head + START + "\n" + "\n".join(table) + "\n" + END + rest.partition(END)[2])
    print("\n".join(table))
    if "MISSED" in " ".join(table) or "NOT" in " ".join(table):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
