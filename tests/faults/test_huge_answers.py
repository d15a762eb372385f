"""R11: answers without measure cost the tap and the harness's own client at most 64 MiB."""

from __future__ import annotations

import gzip
import io
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.conftest import ROOT
from tests.faults.rows import Row, Trial
from tests.tap.places import downstream, soon, tap

R11 = Row("R11")
MIB = 2**20
MOST = 64 * MIB
BOMB_MIB = 256

READ = """
import json, resource, sys
from harness.drive.client import Client
client = Client("huge", ("127.0.0.1", int(sys.argv[1])), timeout=float(sys.argv[3]))
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
before = peak()
answer = client.get("/", whole=sys.argv[2] == "whole")
print(json.dumps([peak() - before, answer.exchange.body_length, len(answer.content), answer.exchange.error]))
"""


def gigabyte(connection: socket.socket) -> None:
    """Declares 1 GiB, and sends it."""
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n")
    piece = b"x" * MIB
    for _ in range(1024):
        connection.sendall(piece)


def bomb(connection: socket.socket) -> None:
    """A small body that unpacks to a thousand times its size."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb") as file:
        for _ in range(BOMB_MIB):
            file.write(b"\0" * MIB)
    body = packed.getvalue()
    assert 900 * len(body) < BOMB_MIB * MIB
    connection.recv(65536)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
    connection.sendall(head % len(body) + body)


def endless(connection: socket.socket) -> None:
    """Chunks without end."""
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    piece = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    while True:
        connection.sendall(piece)


KINDS: dict[str, tuple[Callable[[socket.socket], None], int]] = {
    "1 GB": (gigabyte, 1024 * MIB),
    "gzip bomb": (bomb, 200_000),
    "chunks without end": (endless, 200 * MIB),
}


def read(at: tuple[str, int], least: int) -> int:
    """Reads that much, or until the end; how much came."""
    came = 0
    with socket.create_connection(at, timeout=60) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        while came < least and (data := connection.recv(MIB)):
            came += len(data)
    return came


def through_the_tap(trial: Trial, kind: str, journal: Path) -> None:
    handle, least = KINDS[kind]
    with downstream(handle) as address, tap(address, journal) as (at, remote, pid):
        before = psutil.Process(pid).memory_info().rss
        began = time.monotonic()
        assert read(at, least) >= least
        grown = psutil.Process(pid).memory_info().rss - before
        peak = int(
            next(x for x in Path(f"/proc/{pid}/status").read_text().splitlines() if "VmHWM" in x).split()[1]
        )
        trial.fired(f"{least:,} bytes came")
        trial.took(time.monotonic() - began)
        assert max(grown, peak * 1024 - before) <= MOST
        assert soon(lambda: remote.state()["exchanges"] == 1)
        assert remote.state()["problems"] == []


@R11.trials("1 GB through the tap", quick=0, full=3)
@pytest.mark.timeout(300)
def test_a_gigabyte_through_the_tap(trial: Trial, tmp_path: Path) -> None:
    through_the_tap(trial, "1 GB", tmp_path / "journal")


@R11.trials("gzip bomb through the tap", quick=1, full=3)
def test_a_bomb_through_the_tap(trial: Trial, tmp_path: Path) -> None:
    through_the_tap(trial, "gzip bomb", tmp_path / "journal")


@R11.trials("chunks without end through the tap", quick=1, full=3)
def test_chunks_without_end_through_the_tap(trial: Trial, tmp_path: Path) -> None:
    through_the_tap(trial, "chunks without end", tmp_path / "journal")


@R11.trials("a reader that is slow", quick=1, full=3)
def test_a_slow_reader_slows_the_downstream_and_costs_no_memory(trial: Trial, tmp_path: Path) -> None:
    with (
        downstream(gigabyte) as address,
        tap(address, tmp_path / "journal") as (at, _, pid),
        socket.create_connection(at, timeout=20) as connection,
    ):
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert connection.recv(100)
        before = psutil.Process(pid).memory_info().rss
        time.sleep(2)
        trial.fired("nothing was read for two seconds")
        assert psutil.Process(pid).memory_info().rss - before <= 8 * MIB


def by_the_client(trial: Trial, kind: str, how: str, timeout: float) -> None:
    with downstream(KINDS[kind][0]) as (_, port):
        began = time.monotonic()
        ran = subprocess.run(
            [sys.executable, "-c", READ, str(port), how, str(timeout)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=200,
            check=True,
        )
    grown, came, kept, error = json.loads(ran.stdout)
    trial.fired(f"{came:,} bytes came")
    trial.took(time.monotonic() - began)
    assert grown <= MOST, f"{grown / MIB:.0f} MiB"
    assert kept < came or kind == "gzip bomb"
    assert error or kind == "gzip bomb"


@R11.trials("1 GB read by the client", quick=0, full=3)
@pytest.mark.timeout(300)
def test_a_gigabyte_read_by_the_harness(trial: Trial) -> None:
    by_the_client(trial, "1 GB", "whole" if trial.number else "part", 100.0)


@R11.trials("gzip bomb read by the client", quick=1, full=3)
def test_a_bomb_read_by_the_harness_is_not_unpacked(trial: Trial) -> None:
    by_the_client(trial, "gzip bomb", "whole", 60.0)


@R11.trials("chunks without end read by the client", quick=0, full=3)
@pytest.mark.timeout(300)
def test_chunks_without_end_read_by_the_harness(trial: Trial) -> None:
    by_the_client(trial, "chunks without end", "whole", 100.0)
