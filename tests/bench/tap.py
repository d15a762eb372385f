"""What the tap costs a request: `python tests/bench/tap.py`. Needs wrk and nginx; rewrites tests/bench/tap.md.

Direct, through the tap and through nginx as a peer, in turn, in the same run: requests a second as a ratio, and CPU
a request of the process in between, which a busy machine disturbs less. Budget: 50 us of CPU a request, 100 us added
to the median.
"""

from __future__ import annotations

import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parent.parent.parent))
from tests.tap.places import tap

ROUNDS, SECONDS = 5, 2
BUDGET_US, BUDGET_P50_US = 50, 100
PAGE = Path(__file__).parent / "tap.md"
NGINX = """
worker_processes 1; pid {folder}/{name}.pid; error_log {folder}/{name}.log; daemon off;
events {{ worker_connections 1024; }}
http {{
  access_log {log}; client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e; keepalive_requests 1000000;
  upstream behind {{ server 127.0.0.1:{behind}; keepalive 128; }}
  server {{ listen 127.0.0.1:{port}; location / {{ {what} }} }}
}}
"""
ANSWER = 'return 200 "{}";'.format("paid" * 40)
PASS = 'proxy_pass http://behind; proxy_http_version 1.1; proxy_set_header Connection "";'


@contextmanager
def nginx(
    folder: Path, name: str, what: str, *, behind: int = 1, log: str = "off"
) -> Iterator[tuple[int, int]]:
    """One worker; its port, and the worker's pid."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = folder / f"{name}.conf"
    config.write_text(NGINX.format(folder=folder, name=name, port=port, what=what, behind=behind, log=log))
    process = subprocess.Popen(["nginx", "-c", config, "-p", folder], stderr=subprocess.DEVNULL)
    try:
        limit = time.monotonic() + 10
        while not (children := psutil.Process(process.pid).children()) and time.monotonic() < limit:
            time.sleep(0.05)
        yield port, children[0].pid
    finally:
        process.terminate()
        process.wait(10)


def press(port: int, connections: int, pid: int) -> tuple[float, float, float]:
    """Requests a second, the median latency in us, and the CPU us a request of `pid`."""
    before = sum(psutil.Process(pid).cpu_times()[:2])
    url = f"http://127.0.0.1:{port}/payouts?id=1234567"
    words = ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "--latency", url]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    used = sum(psutil.Process(pid).cpu_times()[:2]) - before
    count = int(re.search(r"(\d+) requests in", said)[1])  # type: ignore[index]
    p50, unit = re.search(r"50%\s+([\d.]+)(us|ms|s)", said).groups()  # type: ignore[union-attr]
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1])  # type: ignore[index]
    return rate, float(p50) * {"us": 1, "ms": 1e3, "s": 1e6}[unit], used * 1e6 / count


def main() -> None:
    if not (shutil.which("wrk") and shutil.which("nginx")):
        print("not run: wrk and nginx are needed (apt-get install wrk nginx-light)")
        return
    lines = []
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        direct, worker = stack.enter_context(nginx(folder, "direct", ANSWER))
        peer = stack.enter_context(nginx(folder, "peer", PASS, behind=direct, log=f"{folder}/access.log"))
        (_, ours), remote, pid = stack.enter_context(tap(("127.0.0.1", direct), folder / "journal"))
        remote.recognise([str(1234000 + n) for n in range(4000)])
        ways = {"direct": (direct, worker), "nginx": peer, "tap": (ours, pid)}
        for connections in (1, 16):
            measured: dict[str, list[tuple[float, float, float]]] = {way: [] for way in ways}
            for _ in range(ROUNDS):
                for way, (port, process) in ways.items():
                    measured[way].append(press(port, connections, process))
            lines += list(_rows(connections, measured))
    titles = "| connections | through | rate against direct | p50 us | added us | CPU us a request |"
    table = "\n".join([titles, "|---|---|---|---|---|---|", *lines])
    print(table)
    PAGE.write_text(HEAD + table + "\n")
    _judge(lines)


def _rows(connections: int, measured: dict[str, list[tuple[float, float, float]]]) -> Iterator[str]:
    def middle(way: str, column: int) -> float:
        return statistics.median(row[column] for row in measured[way])

    for way in measured:
        ratio = statistics.median(a[0] / b[0] for a, b in zip(measured[way], measured["direct"], strict=True))
        added = middle(way, 1) - middle("direct", 1)
        yield f"| {connections} | {way} | {ratio:.2f} | {middle(way, 1):.0f} | {added:.0f} | {middle(way, 2):.0f} |"


def _judge(lines: list[str]) -> None:
    for line in lines:
        _, connections, way, _, _, added, cpu, _ = line.split("|")
        if way.strip() == "tap":
            spent = f"CPU {cpu.strip()} us of {BUDGET_US}, added {added.strip()} us of {BUDGET_P50_US}"
            print(f"{connections.strip()} connections: {spent}")


HEAD = """# What the tap costs a request

`python tests/bench/tap.py` measures this and rewrites it: a GET answered with 160 bytes by nginx, direct, through a
second nginx that writes an access log, and through the tap (Python's own event loop, journal on, 4,000 ids to be
recognised). Medians of rounds in turn; the ratio is of rounds side by side. wrk has one thread.

"""

if __name__ == "__main__":
    main()
