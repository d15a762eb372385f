"""One service as a process group of its own, and the commands that run beside it."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path

import psutil

from harness.errors import EnvironmentProblem
from harness.model.memory import Ceiling, MemoryReading
from harness.model.scenario import Service
from harness.model.stage import Ending, Logged
from harness.stage.agent_channel import Agent
from harness.stage.family import family
from harness.stage.logs import head_and_tail, logged_in
from harness.stage.memory_files import ceilings, read_processes
from harness.stage.observed import Observed

GRACE = 5.0
PIDS_EVERY = 0.5


Spawn = Callable[[Sequence[str], Path], "subprocess.Popen[bytes]"]
"""Starts a command line (none: the service's own) in the service's surroundings; its output goes to a file."""


class ProcessCommand:
    """One command beside a service: a process group of its own."""

    def __init__(self, popen: subprocess.Popen[bytes], log: Path, aside: bool) -> None:
        self.popen, self._log, self.aside = popen, log, aside

    def wait(self, seconds: float) -> bool:
        """Whether it has ended by then."""
        with suppress(subprocess.TimeoutExpired):
            self.popen.wait(seconds)
        return self.popen.returncode is not None

    @property
    def exit_code(self) -> int | None:
        """How it ended."""
        return self.popen.poll()

    def output(self) -> bytes:
        """Its output, head and tail."""
        return head_and_tail(self._log)


class ProcessService(Observed):
    """One service as a process group of its own."""

    image = "process"

    def __init__(self, service: Service, port: int, log: Path, spawn: Spawn, agent: Agent) -> None:
        super().__init__(service, agent)
        self.address = ("127.0.0.1", port if service.port else 0)
        self._log, self._spawn = log, spawn
        self._popen = spawn((), log)
        self._commands: list[ProcessCommand] = []
        self._asked: set[psutil.Process] = set()
        self._started = count(1)
        self._known: list[int] = []
        self._pids_read = 0.0

    def revive(self) -> None:
        """Starts the same command again, in the same folder, on the same port."""
        self.stop()
        self._popen, self._pids_read = self._spawn((), self._log), 0.0
        self.wait()

    def kill(self) -> None:
        """SIGKILL to the whole group, and waits until it is gone."""
        self._signal(signal.SIGKILL)
        for popen in self._groups():
            popen.wait(GRACE)

    def start(self, words: Sequence[str], *, aside: bool = False) -> ProcessCommand:
        """Starts it in a process group of its own, with the service's folder and environment."""
        log = self._log.with_name(f"{self._log.stem}-command-{next(self._started)}.log")
        try:
            command = ProcessCommand(self._spawn(words, log), log, aside)
        except OSError as problem:
            raise EnvironmentProblem(
                f"`{shlex.join(words[:3])}` could not be started: {problem.strerror}",
                expected=f"a command that runs where {self.name} does",
                cause="it is not installed, or it is given more arguments than the system passes on",
            ) from problem
        self._commands = [one for one in self._commands if one.popen.poll() is None] + [command]
        return command

    def at_work(self) -> int:
        """How many commands run."""
        return sum(one.popen.poll() is None and not one.aside for one in self._commands)

    def _groups(self) -> list[subprocess.Popen[bytes]]:
        return [self._popen, *(one.popen for one in self._commands)]

    def freeze(self) -> None:
        """SIGSTOP to the whole group."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT to the whole group."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        for popen in self._groups():
            with suppress(ProcessLookupError):  # it has ended already
                os.killpg(popen.pid, number)

    def ending(self) -> Ending | None:
        """How it ended, or None while it runs. A process's own end does not tell of memory."""
        code = self._popen.poll()
        return None if code is None else Ending(exit_code=code, oom_killed=None)

    def memory(self, *, deep: bool = False) -> MemoryReading | None:
        """What the process and its descendants hold; None once they are gone."""
        now = time.monotonic()
        if deep or now - self._pids_read > PIDS_EVERY:
            self._known, self._pids_read = self.pids(), now
        return read_processes(self._known, deep=deep)

    def pids(self) -> list[int]:
        """The process, its commands, and their descendants."""
        running = [popen for popen in self._groups() if popen is self._popen or popen.poll() is None]
        return [pid for popen in running for pid in family(popen.pid)]

    def ceilings(self) -> list[Ceiling]:
        """The limits of its processes."""
        return ceilings(self.pids())

    def logged(self) -> Logged:
        """Its output, head and tail."""
        return logged_in(self._log)

    def ask_to_end(self) -> None:
        """Says so to the whole process group, and waits for nothing."""
        self._asked = self._alive()
        self._signal(signal.SIGTERM)

    def _alive(self) -> set[psutil.Process]:
        found = set()
        for pid in self.pids():
            with suppress(psutil.NoSuchProcess):  # it has ended meanwhile
                found.add(psutil.Process(pid))
        return found

    def stop(self) -> None:
        """Ends the whole process group: politely, then by force."""
        known = self._asked | self._alive()
        for popen in self._groups():
            _end(popen)
        _, alive = psutil.wait_procs(known, timeout=GRACE)
        for process in alive:
            with suppress(psutil.NoSuchProcess):
                process.kill()


def _end(popen: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(popen.pid, number)
        except ProcessLookupError:
            break
        try:
            popen.wait(GRACE)
        except subprocess.TimeoutExpired:
            continue
