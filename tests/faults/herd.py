"""Many rehearsals for little: one process has imported the harness, and forks a rehearsal for each call.

    with Herd() as herd:
        run = herd.start(["run", scenario, ...])     # run.pid is alive, in a process group of its own
        run.wait(30)                                  # its exit code, negative for a signal; None: it still runs

As a script this file is that process: it reads a JSON line for each rehearsal, and answers with one.
"""

from __future__ import annotations

import atexit
import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.conftest import ROOT

end_now = os._exit  # a rehearsal puts another one in its place


@dataclass
class Run:
    """One rehearsal."""

    herd: Herd
    pid: int

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
        self._process = subprocess.Popen(
            [*self._before, sys.executable, "-m", "tests.faults.herd"],
            cwd=ROOT,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=60)

    def start(self, words: list[str], *, terminal: bool = False, log: Path | None = None, **env: str) -> Run:
        """Forks a rehearsal; `log` gets what it prints."""
        asked = {"words": words, "terminal": terminal, "log": str(log or "/dev/null"), "env": env}
        return Run(self, self.ask(asked))

    def ask(self, question: dict[str, Any]) -> Any:
        """One line there and one back."""
        assert self._process.stdin is not None and self._process.stdout is not None
        with self._lock:
            self._process.stdin.write(json.dumps(question).encode() + b"\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())


def _serve() -> None:
    from harness.cli import main  # imported once, before the forks

    ended: dict[int, int] = {}
    started: set[int] = set()
    terminals: dict[int, int] = {}
    for line in sys.stdin:
        asked = json.loads(line)
        answer: Any = None
        if "poll" in asked:
            pid = asked["poll"]
            if pid not in ended:
                found, status = os.waitpid(pid, os.WNOHANG)
                if found:
                    ended[pid] = os.waitstatus_to_exitcode(status)
            answer = ended.get(pid)
        elif "keys" in asked:
            os.write(terminals[asked["pid"]], asked["keys"].encode())
        else:
            answer = _fork(main, asked, terminals)
            started.add(answer)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    for pid in started - ended.keys():
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


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
