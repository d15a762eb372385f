"""The process stage: services as plain processes on loopback, for machines without a container engine."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from itertools import count
from pathlib import Path

import psutil

from harness.errors import EnvironmentProblem
from harness.model.memory import Ceiling, MemoryReading
from harness.model.scenario import Process, Scenario, Service
from harness.model.stage import Ending, Logged
from harness.stage.agent_channel import Agent, agent_for
from harness.stage.family import family
from harness.stage.log_room import LogRoom
from harness.stage.logs import head_and_tail, logged_in
from harness.stage.memory_files import ceilings, read_processes
from harness.stage.observed import Observed
from harness.stage.readiness import answers, wait_until_done, wait_until_ready
from harness.stage.tapping import ProcessTap
from harness.stage.watchdog import OWNER_VARIABLE, scratch_folder, stand_by
from harness.stage.wiring import Address, environment, fill
from harness.tap.remote import Remote

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

    def __init__(
        self,
        service: Service,
        port: int,
        log: Path,
        spawn: Spawn,
        agent: Agent,
    ) -> None:
        super().__init__(agent)
        self.name, self.memory_limit = service.name, service.memory_bytes
        self.address = ("127.0.0.1", port if service.port else 0)
        self._service, self._log, self._spawn = service, log, spawn
        self._popen = spawn((), log)
        self._commands: list[ProcessCommand] = []
        self._asked: set[psutil.Process] = set()
        self._started = count(1)
        self._known: list[int] = []
        self._pids_read = 0.0

    def wait(self) -> None:
        """Returns once it is ready. Raises EnvironmentProblem."""
        service = self._service
        if service.runs_once:
            wait_until_done(self.name, ending=self.ending, logs=self.logs, timeout=service.ready_seconds)
            return
        ready = answers(self.address, service.ready, tls=bool(service.tls))
        wait_until_ready(self.name, ready, ending=self.ending, logs=self.logs, timeout=service.ready_seconds)

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


class ProcessStage:
    """The services up as processes."""

    kind = "process"

    def __init__(self) -> None:
        self.services: dict[str, ProcessService] = {}
        self.entries: dict[str, str] = {}
        self.taps: dict[str, Remote] = {}


@contextmanager
def process_stage(scenario: Scenario, root: Path, tapped: Collection[str] = ()) -> Iterator[ProcessStage]:
    """Starts the scenario's services in order, with a tap before each of `tapped`, and ends them all at the end,
    however that comes."""
    known = scenario.services()
    taking_part = {name: service for name, service in known.items() if service.process}
    if not taking_part:
        raise EnvironmentProblem(
            f"no service of {type(scenario).__name__} can run as a process",
            expected="services with process=Process(...)",
            fix="start a container engine, or say how the services run without one",
        )
    stage = ProcessStage()
    owner = stand_by()
    with ExitStack() as stack:
        scratch = scratch_folder(owner)
        stack.callback(shutil.rmtree, scratch, ignore_errors=True)
        stack.callback(LogRoom(scratch).close)
        addresses: dict[str, Address] = {}
        for name, service in taking_part.items():
            assert service.process is not None
            addresses[name] = Address.of(service, "127.0.0.1", _port(service, service.process))
            agent = agent_for(owner, wanted=service.memory_agent)
            stack.callback(agent.close)
            running = _start(service, addresses, known, root, scratch, agent)
            stack.callback(running.stop)
            if not service.runs_once:
                stage.services[name] = running
            running.wait()
            if name in tapped:  # from here on the others find the tap where they look for the service
                tap = ProcessTap(name, running.address, scratch, owner)
                stack.callback(tap.stop)
                stage.taps[name] = tap.remote
                addresses[name] = replace(addresses[name], port=tap.port)
        stage.entries = {name: name for name in stage.services}
        stage.entries |= {one.fronts.name: name for name, one in taking_part.items() if one.fronts}
        try:
            yield stage
        except BaseException:  # nobody waits for a polite end of one service after the other
            for running in stage.services.values():
                running.kill()
            raise
        for running in stage.services.values():  # each takes its time to end, and all of them the same
            running.ask_to_end()


def _start(
    service: Service,
    addresses: Mapping[str, Address],
    known: Mapping[str, Service],
    root: Path,
    scratch: Path,
    agent: Agent,
) -> ProcessService:
    process = service.process
    assert process is not None
    own = {"port": str(addresses[service.name].port), "scratch": str(scratch)}
    env = environment({**service.env, **process.env}, addresses, known, own)
    clean = _clean_environment()
    if service.memory_agent:
        env |= agent.environment(env.get("PYTHONPATH", clean.get("PYTHONPATH", "")), inside=False)
    words = shlex.split(fill(process.command, addresses, known, own) or "")
    log = scratch / f"{service.name}.log"

    def spawn(given: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
        line = list(given or words)
        if line and line[0] in ("python", "python3"):
            line[0] = sys.executable
        with log.open("ab") as output:
            return subprocess.Popen(
                line,
                cwd=root / process.cwd,
                env={**clean, **env, OWNER_VARIABLE: stand_by()},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    try:
        return ProcessService(service, addresses[service.name].port, log, spawn, agent)
    except OSError as problem:
        raise EnvironmentProblem(
            f"service {service.name!r} could not be started: {problem}",
            expected=f"a command that runs: {shlex.join(words)}",
            cause="the program is not installed, or not on the PATH",
            fix="install what the service needs, or mend `process.command`",
        ) from problem


def _clean_environment() -> dict[str, str]:
    return {
        name: value for name, value in os.environ.items() if not name.startswith(("REHEARSE_", "PYTEST_"))
    }


def _port(service: Service, process: Process) -> int:
    """A free port where the command takes one; else the service's own, which must be free."""
    wanted = 0 if "{port}" in process.command else service.port  # 0, too, where it has none
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError as problem:
            raise EnvironmentProblem(
                f"port {wanted}, which service {service.name!r} listens on, is taken ({problem.strerror})",
                expected="a free port",
                cause=_holder(wanted),
                fix="end that process, or write {port} in the command: a free port is then chosen",
            ) from problem
        return int(probe.getsockname()[1])


def _holder(port: int) -> str:
    for connection in psutil.net_connections("tcp"):
        if connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,) and connection.pid:
            return f"process {connection.pid} ({psutil.Process(connection.pid).name()}) listens there"
    return "another process listens there"
