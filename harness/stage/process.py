"""The process stage: services as plain processes on loopback, for machines without a container engine."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import psutil

from harness.errors import EnvironmentProblem
from harness.model.scenario import Process, Scenario, Service
from harness.stage.agent_channel import Agent, agent_for
from harness.stage.leash import stand_by
from harness.stage.log_room import LogRoom
from harness.stage.opened import Opened
from harness.stage.process_service import ProcessService, Spawn
from harness.stage.tapping import ProcessTap
from harness.stage.watchdog import OWNER_VARIABLE, scratch_folder
from harness.stage.wiring import Address, environment, fill

ProcessStage = Opened[ProcessService]


@contextmanager
def process_stage(scenario: Scenario, root: Path, tapped: Collection[str] = ()) -> Iterator[ProcessStage]:
    """Starts the scenario's services in order, with a tap before each of `tapped`, and ends them all at the end,
    however that comes."""
    known = scenario.services()
    if not any(service.process for service in known.values()):
        raise EnvironmentProblem(
            f"no service of {type(scenario).__name__} can run as a process",
            expected="services with process=Process(...)",
            fix="start a container engine, or say how the services run without one",
        )
    with ExitStack() as stack:
        making = _Making(known, root, tapped, stack)
        stage = making.stage
        for service in known.values():
            if service.process:
                making.one(service, service.process)
        stage.enter_by(known)
        try:
            yield stage
        except BaseException:  # nobody waits for a polite end of one service after the other
            for running in stage.services.values():
                running.kill()
            raise
        for running in stage.services.values():  # each takes its time to end, and all of them the same
            running.ask_to_end()


class _Making:
    """A stage while it is made: how each thing ends goes onto `stack`."""

    def __init__(
        self, known: Mapping[str, Service], root: Path, tapped: Collection[str], stack: ExitStack
    ) -> None:
        self._known, self._root, self._tapped, self._stack = known, root, tapped, stack
        self.stage, self._owner = ProcessStage("process"), stand_by()
        self._addresses: dict[str, Address] = {}
        self._scratch = scratch_folder(self._owner)
        stack.callback(shutil.rmtree, self._scratch, ignore_errors=True)
        stack.callback(LogRoom(self._scratch).close)

    def one(self, service: Service, process: Process) -> None:
        """The next service, until it is ready."""
        name = service.name
        self._addresses[name] = Address.of(service, "127.0.0.1", _port(service, process))
        agent = agent_for(self._owner, wanted=service.memory_agent)
        self._stack.callback(agent.close)
        running = self._start(service, process, agent)
        self._stack.callback(running.stop)
        if not service.runs_once:
            self.stage.services[name] = running
        running.wait()
        if name in self._tapped:  # from here on the others find the tap where they look for the service
            tap = ProcessTap(name, running.address, self._scratch, self._owner)
            self._stack.callback(tap.stop)
            self.stage.taps[name] = tap.remote
            self._addresses[name] = replace(self._addresses[name], port=tap.port)

    def _start(self, service: Service, process: Process, agent: Agent) -> ProcessService:
        port = self._addresses[service.name].port
        own = {"port": str(port), "scratch": str(self._scratch)}
        env = environment({**service.env, **process.env}, self._addresses, self._known, own)
        clean = _clean_environment()
        if service.memory_agent:
            env |= agent.environment(env.get("PYTHONPATH", clean.get("PYTHONPATH", "")), inside=False)
        words = shlex.split(fill(process.command, self._addresses, self._known, own) or "")
        spawn = _spawner(words, self._root / process.cwd, {**clean, **env, OWNER_VARIABLE: self._owner})
        try:
            return ProcessService(service, port, self._scratch / f"{service.name}.log", spawn, agent)
        except OSError as problem:
            raise EnvironmentProblem(
                f"service {service.name!r} could not be started: {problem}",
                expected=f"a command that runs: {shlex.join(words)}",
                cause="the program is not installed, or not on the PATH",
                fix="install what the service needs, or mend `process.command`",
            ) from problem


def _spawner(words: list[str], folder: Path, env: Mapping[str, str]) -> Spawn:
    def spawn(given: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
        line = list(given or words)
        if line and line[0] in ("python", "python3"):
            line[0] = sys.executable
        with log.open("ab") as output:
            return subprocess.Popen(
                line,
                cwd=folder,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    return spawn


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
