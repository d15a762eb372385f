"""Many rehearsals for little: one process has imported the harness, and forks a rehearsal for each call.

    with Herd() as herd:
        run = herd.start(["run", scenario, ...])     # run.pid is alive, in a process group of its own
        run.kill(signal.SIGKILL)
        run.wait(30)                                  # its exit code, negative for a signal; None: it still runs

A herd has a folder for temporary files of its own, `Herd(*REALM)` also pids of its own: no rehearsal beside it takes
what is left in it for a dead one's, and sweeps it up. As a script this file is that process: it reads a JSON line for
each rehearsal, and answers with one.
"""

from __future__ import annotations

import atexit
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil

from harness.stage.watchdog import owner_of
from tests.conftest import ROOT

end_now = os._exit  # a rehearsal puts another one in its place
APART = not os.geteuid() and shutil.which("unshare") is not None
REALM = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc") if APART else ()


@dataclass
class Run:
    """One rehearsal."""

    herd: Herd
    pid: int
    owner: str

    def kill(self, number: int, *, group: bool = False) -> None:
        """Sends it a signal, or its process group."""
        self.herd.ask({"kill": self.pid, "signal": number, "group": group})

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""
        code = self.herd.ask({"poll": self.pid})
        return None if code is None else int(code)

    def wait(self, seconds: float) -> int | None:
        """Its exit code, or None where it still runs after so long."""
        deadline = time.monotonic() + seconds
        while (code := self.poll()) is None and time.monotonic() < deadline:
            time.sleep(0.02)
        return code

    def keys(self, text: str) -> None:
        """Types on its terminal."""
        self.herd.ask({"keys": text, "pid": self.pid})


class Herd:
    """The process that forks them, started by `before` (words such as those of nsenter). Whatever still runs at the
    end is killed."""

    def __init__(self, *before: str) -> None:
        self._before = before

    def __enter__(self) -> Herd:
        self._lock = threading.Lock()
        env = {name: value for name, value in os.environ.items() if not name.startswith("REHEARSE_")}
        self._scratch = tempfile.TemporaryDirectory(prefix="herd-")
        self.scratch = Path(self._scratch.name)
        self._process = subprocess.Popen(
            [*self._before, sys.executable, "-m", "tests.faults.herd"],
            cwd=ROOT,
            env={**env, "TMPDIR": str(self.scratch)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=60)
        self._scratch.cleanup()

    def start(self, words: list[str], *, terminal: bool = False, log: Path | None = None, **env: str) -> Run:
        """Forks a rehearsal; `log` gets what it prints."""
        asked = {"words": words, "terminal": terminal, "log": str(log or "/dev/null"), "env": env}
        return Run(self, **self.ask(asked))

    def ask(self, question: dict[str, Any]) -> Any:
        """One line there and one back."""
        assert self._process.stdin is not None and self._process.stdout is not None
        with self._lock:
            self._process.stdin.write(json.dumps(question).encode() + b"\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())


def _serve() -> None:
    from harness.cli import main  # imported once, before the forks
    from harness.population import Population

    Population(1).user(0)  # its tables too are made once
    ended: dict[int, int] = {}
    started: set[int] = set()
    terminals: dict[int, int] = {}
    signal.signal(signal.SIGCHLD, lambda *_: _reap(ended))
    for line in sys.stdin:
        asked = json.loads(line)
        answer: Any = None
        if "poll" in asked:
            answer = ended.get(asked["poll"])
        elif "kill" in asked:
            (os.killpg if asked["group"] else os.kill)(asked["kill"], asked["signal"])
        elif "keys" in asked:
            os.write(terminals[asked["pid"]], asked["keys"].encode())
        else:
            pid = _fork(main, asked, terminals)
            started.add(pid)
            answer = {"pid": pid, "owner": owner_of(psutil.Process(pid))}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.alarm(30)
    for pid in started - ended.keys():
        os.kill(pid, signal.SIGKILL)
    with suppress(ChildProcessError):  # a realm ends with this process: its watchdogs clean first
        while True:
            os.wait()


def _reap(ended: dict[int, int]) -> None:
    """Takes note of who has ended; in a realm also of those who have lost their parent."""
    with suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            ended[pid] = os.waitstatus_to_exitcode(status)


def _fork(main: Any, asked: dict[str, Any], terminals: dict[int, int]) -> int:
    pid, terminal = pty.fork() if asked["terminal"] else (os.fork(), -1)
    if not pid:
        _become(main, asked)
    if terminal >= 0:
        terminals[pid] = terminal
        threading.Thread(target=_drain, args=[terminal], daemon=True).start()
    return pid


def _become(main: Any, asked: dict[str, Any]) -> None:
    """In the child: a rehearsal as if it had been started by hand."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if not asked["terminal"]:
        os.setpgid(0, 0)
        output = os.open(asked["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
    os.environ.update(asked["env"])
    sys.argv = ["rehearse", *asked["words"]]
    code = 4
    try:
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
    finally:
        sys.stdout.flush()
        atexit._run_exitfuncs()
        end_now(code)


def _drain(terminal: int) -> None:
    try:
        while os.read(terminal, 65536):
            pass
    except OSError:  # it is closed
        return


if __name__ == "__main__":
    _serve()
