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
from harness.stage.process_service import ProcessService
from harness.stage.tapping import ProcessTap
from harness.stage.watchdog import OWNER_VARIABLE, scratch_folder
from harness.stage.wiring import Address, environment, fill

ProcessStage = Opened[ProcessService]


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
    stage = ProcessStage("process")
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
        stage.enter_by(known)
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
