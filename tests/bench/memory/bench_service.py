"""The yardstick service started in a control group of its own, fed with items, and read where it rests."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from harness.stage.memory_files import Cgroup, private_bytes

ROOT = Path(__file__).parents[3]
FIXTURE = ROOT / "fixtures/memory"
AGENT = ROOT / "harness/stage/agent"
MEMORY = Path("/sys/fs/cgroup/memory")
REQUEST = b"POST /item HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
LANES = 4
SETTLE = 0.01


class Gone(Exception):
    """The service has ended, or hung up."""


class Bench:
    """One service under measurement. `items` counts answers with status 200, `failed` the others."""

    def __init__(
        self, port: int, process: subprocess.Popen[bytes], group: Path | None, sockets: Path
    ) -> None:
        self.port, self.process, self.group, self.sockets = port, process, group, sockets
        self.items = self.failed = 0
        self.request: Callable[[int], bytes] = lambda number: REQUEST
        self._lanes: list[socket.socket] = []
        self._sent = 0
        self._cgroup: Cgroup | None = None

    def ready(self) -> None:
        """Returns once it takes connections; raises Gone where it ends or takes too long."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(OSError):
                self._connect()
                self._cgroup = Cgroup(self.process.pid) if self.group else None
                return
            time.sleep(0.05)
        raise Gone("it did not get ready")

    def _connect(self) -> None:
        self._lanes = [socket.create_connection(("127.0.0.1", self.port), timeout=30) for _ in range(LANES)]

    def feed(self, count: int) -> None:
        """Sends that many items over 4 lanes and takes their answers. Raises Gone."""
        while count > 0:
            lanes = self._lanes[: min(count, LANES)]
            try:
                for lane in lanes:
                    lane.sendall(self.request(self._sent))
                    self._sent += 1
                for lane in lanes:
                    answer = _answer(lane)
                    self.items += answer.startswith(b"HTTP/1.1 200")
                    self.failed += not answer.startswith(b"HTTP/1.1 200")
            except OSError as problem:
                raise Gone(str(problem)) from problem
            count -= len(lanes)

    def reconnect(self) -> None:
        """New lanes, after a worker has been killed."""
        for lane in self._lanes:
            lane.close()
        self._connect()

    def held(self, *, deep: bool = True) -> int | None:
        """Unreclaimable bytes, as the docker stage reads them; the process's private bytes without a group."""
        if self._cgroup is not None:
            reading = self._cgroup.reading(deep=deep)
            return reading and reading.held
        family = [
            self.process.pid,
            *(c.pid for c in psutil.Process(self.process.pid).children(recursive=True)),
        ]
        return private_bytes(family)

    def oom_kills(self) -> int:
        """How often the kernel has killed in the group."""
        return (self._cgroup.oom_kills() or 0) if self._cgroup else 0

    def ask(self, words: str, path: Path | None = None) -> dict[str, int | None]:
        """Asks the agent at that socket, else that of the youngest process."""
        path = path or max(self.sockets.glob("*.sock"), key=lambda path: int(path.stem))
        with socket.socket(socket.AF_UNIX) as channel, channel.makefile("rwb") as stream:
            channel.settimeout(60)
            channel.connect(str(path))
            stream.write(words.encode() + b"\n")
            stream.flush()
            return json.loads(stream.readline())


def _answer(lane: socket.socket) -> bytes:
    """One whole answer: they are JSON objects without nesting."""
    answer = b""
    while not answer.endswith(b"}"):
        lane.setsockopt(
            socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1
        )  # a server of two small writes waits for it
        more = lane.recv(4096)
        if not more:
            raise Gone("it hung up")
        answer += more
    return answer


@contextlib.contextmanager
def running(
    env: dict[str, str], *, agent: bool = False, limit: int = 0, command: list[str] | None = None
) -> Iterator[Bench]:
    """Starts the service (uvicorn, one worker, unless `command` says otherwise) and ends it afterwards."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    scratch = Path(tempfile.mkdtemp(prefix="rehearse-bench-"))
    own = {**os.environ, **env, "PYTHONHASHSEED": "0"}
    if agent:
        own |= {"PYTHONPATH": str(AGENT), "REHEARSE_AGENT_DIR": str(scratch)}
    group = _group(limit)
    words = command or [
        sys.executable,
        "-m",
        "uvicorn",
        "service:app",
        "--port",
        "{port}",
        "--log-level",
        "error",
    ]
    with (scratch / "log").open("wb") as log:
        process = subprocess.Popen(
            [word.format(port=port) for word in words],
            cwd=FIXTURE,
            env=own,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=(lambda: _enter(group)) if group else None,
        )
    bench = Bench(port, process, group, scratch)
    try:
        bench.ready()
        yield bench
    finally:
        for lane in bench._lanes:
            lane.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if group:
            _remove(group)
        shutil.rmtree(scratch, ignore_errors=True)


def _group(limit: int) -> Path | None:
    if os.geteuid() != 0 or not (MEMORY / "cgroup.procs").exists():
        if limit:
            raise SystemExit("a real kill needs root and a cgroup v1 memory controller")
        return None
    group = MEMORY / f"rehearse-bench-{os.getpid()}-{time.monotonic_ns()}"
    group.mkdir()
    if limit:
        (group / "memory.limit_in_bytes").write_text(str(limit))
        with contextlib.suppress(OSError):
            (group / "memory.memsw.limit_in_bytes").write_text(str(limit))
    return group


def _enter(group: Path) -> None:
    (group / "cgroup.procs").write_text(str(os.getpid()))


def _remove(group: Path) -> None:
    for _ in range(50):
        try:
            group.rmdir()
            return
        except OSError:
            time.sleep(0.05)
