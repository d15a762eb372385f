"""The docker stage: one network, one container a service, all of it removed at the end."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import requests
from docker.errors import DockerException

from harness.errors import EnvironmentProblem, LeftBehind, UsageError
from harness.model.memory import Ceiling, MemoryReading
from harness.model.scenario import Scenario, Service
from harness.model.stage import Ending, Logged
from harness.stage import watchdog
from harness.stage.agent_channel import Agent, agent_for
from harness.stage.container_command import ContainerCommand
from harness.stage.container_log import engine_log
from harness.stage.container_options import mounts, named_volumes, options, words
from harness.stage.engine import Engine, is_podman
from harness.stage.engine_watch import engine_stays
from harness.stage.healthcheck import passes
from harness.stage.images import image_for
from harness.stage.labels import STAGE_LABEL
from harness.stage.labels import labels as owned
from harness.stage.memory_files import Cgroup, ceilings
from harness.stage.memory_stats import from_stats
from harness.stage.memory_stream import Stream, stream
from harness.stage.observed import Observed
from harness.stage.readiness import all_of, answers, wait_until_done, wait_until_ready
from harness.stage.tapping import BEHIND, container_tap
from harness.stage.watchdog import EMPTY_PASSES, OWNER_LABEL, remove_labelled
from harness.stage.wiring import Address, environment
from harness.tap.remote import Remote

# testcontainers reads these when it is imported. Its reaper is an image from a registry, which is not always
# there, and it acknowledges nothing; what we start is removed by label, below.
os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")

from testcontainers.core.container import DockerContainer
from testcontainers.core.network import Network

GRACE = 20
KILLED = 137
EARLIER = 60  # the engine starts it before we hear of it; its events are asked for by the container's own id


class ContainerService(Observed):
    """One service in its container."""

    address: tuple[str, int]

    def __init__(self, service: Service, container: Any, image: str, agent: Agent) -> None:
        super().__init__(agent)
        self.name, self.memory_limit, self.image = service.name, service.memory_bytes, image
        self._service, self._container = service, container
        self._oom_kills = 0
        self._commands: list[ContainerCommand] = []
        self._stream: Stream | None = None
        self._born = time.time() - EARLIER
        self._look()

    def _look(self) -> None:
        """Reads where the engine has put it: its process, its memory files, its published port."""
        self._container.reload()
        self._pid = int(self._container.attrs["State"]["Pid"])
        try:
            self._cgroup: Cgroup | None = Cgroup(self._pid)
        except OSError:  # it ended at once, or the engine runs on another machine
            self._cgroup = None
        self._stream, self._streams = None, self._cgroup is None
        published = self._container.attrs["NetworkSettings"]["Ports"].get(f"{self._service.port}/tcp")
        if published:
            self.address = ("127.0.0.1", int(published[0]["HostPort"]))
        else:  # it has ended already: waiting for it will say so, with its log
            self.address = ("127.0.0.1", 0)

    def wait(self) -> None:
        """Returns once it is ready. Raises EnvironmentProblem."""
        service = self._service
        if service.runs_once:
            wait_until_done(self.name, ending=self.ending, logs=self.logs, timeout=service.ready_seconds)
            return
        ready = answers(self.address, service.ready, tls=bool(service.tls))
        if service.healthcheck:
            ready = all_of(passes(self._container, service.healthcheck), ready)
        wait_until_ready(self.name, ready, ending=self.ending, logs=self.logs, timeout=service.ready_seconds)

    def revive(self) -> None:
        """Starts the container again, with all that is on its disk."""
        self._container.start()
        self._look()
        self.wait()

    def kill(self) -> None:
        """SIGKILL by the engine, and waits until the container has ended."""
        self._container.kill()
        self._container.wait(timeout=GRACE)

    def freeze(self) -> None:
        """The engine's pause: the kernel's freezer holds every process of the container."""
        self._container.pause()

    def thaw(self) -> None:
        """The engine's unpause."""
        self._container.reload()
        if self._container.status == "paused":
            self._container.unpause()

    def start(self, words: Sequence[str], *, aside: bool = False) -> ContainerCommand:
        """Starts it inside, as `docker exec` does."""
        command = ContainerCommand(self._container, words, aside)
        self._commands = [one for one in self._commands if not one.wait(0)] + [command]
        return command

    def at_work(self) -> int:
        """How many commands run."""
        return sum(not one.wait(0) and not one.aside for one in self._commands)

    def ending(self) -> Ending | None:
        """How it ended, or None while it runs. The kernel's own counter decides whether memory was the reason."""
        if self._cgroup is not None and psutil.pid_exists(self._pid):
            return None
        self._container.reload()
        state = self._container.attrs["State"]
        if state["Running"]:
            return None
        for_memory: bool | None = bool(state["OOMKilled"]) or self._oom_kills > 0
        if not for_memory and state["ExitCode"] == KILLED and is_podman(self._container.client.api):
            for_memory = None
        return Ending(exit_code=state["ExitCode"], oom_killed=for_memory)

    def memory(self, *, deep: bool = False) -> MemoryReading | None:
        """What it holds: from the kernel's files, else from a loop inside or beside it, else from the engine."""
        reading = self._cgroup.reading(deep=deep) if self._cgroup else self._from_afar()
        if reading is not None:
            self._oom_kills = reading.oom_kills or self._oom_kills
        return reading

    def _from_afar(self) -> MemoryReading | None:
        """Where its memory files are not seen from here."""
        if self._streams:
            self._streams = False  # one try for each life of the container
            with suppress(OSError):
                self._stream = stream(self._container)
        return self._stream.read() if self._stream else from_stats(self._container)

    def oom_events(self) -> int | None:
        """The engine's own `oom` events for this container, up to now."""
        wanted = {"container": self._container.id, "event": "oom"}
        try:
            told = self._container.client.api.events(since=self._born, until=time.time(), filters=wanted)
            return sum(len(part.splitlines()) for part in told)
        except (DockerException, OSError):
            return None

    def pids(self) -> list[int]:
        """Its processes; empty where this machine does not see them."""
        return [] if self._cgroup is None else self._cgroup.pids()

    def ceilings(self) -> list[Ceiling]:
        """The limits of its processes; empty where this machine does not see them."""
        return ceilings(self.pids())

    def logged(self) -> Logged:
        """Its output, head and tail."""
        return engine_log(self._container, bounded=True)


class ContainerStage:
    """The services up as containers."""

    kind = "docker"

    def __init__(self) -> None:
        self.services: dict[str, ContainerService] = {}
        self.entries: dict[str, str] = {}
        self.taps: dict[str, Remote] = {}


def build_images(engine: Engine, scenario: Scenario, root: Path) -> dict[str, str]:
    """The image of each service by name; built where its content is new."""
    return {name: image_for(engine.client, service, root) for name, service in scenario.services().items()}


@contextmanager
def container_stage(
    engine: Engine,
    scenario: Scenario,
    images: Mapping[str, str],
    root: Path = Path(),
    tapped: Collection[str] = (),
) -> Iterator[ContainerStage]:
    """Starts the scenario's services in order on a network of their own, with a tap before each of `tapped`;
    removes them all at the end. Folders that they see are relative to `root`."""
    known = scenario.services()
    addresses = {name: Address.of(service, name, service.port) for name, service in known.items()}
    stage = ContainerStage()
    labels = {**owned(), STAGE_LABEL: secrets.token_hex(8)}
    token = f"{STAGE_LABEL}={labels[STAGE_LABEL]}"
    passes = EMPTY_PASSES
    agents: list[Agent] = []
    with engine_stays(token):
        try:
            network = Network(docker_network_kw={"labels": labels}).create()
            volumes = {
                name: engine.client.volumes.create(labels=labels).name for name in named_volumes(known)
            }
            for name, service in known.items():
                env = environment(service.env, addresses, known, {"port": str(service.port)})
                agent = agent_for(labels[OWNER_LABEL], wanted=service.memory_agent)
                agents.append(agent)
                if service.memory_agent:
                    env |= agent.environment(_pythonpath(engine, images[name], env), inside=True)
                wanted = DockerContainer(images[name]).with_envs(**env).with_network(network)
                names = [name, *service.aliases]
                wanted.with_network_aliases(*([BEHIND.format(name)] if name in tapped else names))
                wanted.with_kwargs(**options(service, labels))
                for here, there, mode in mounts(service, root, volumes):
                    wanted.with_volume_mapping(here, there, mode)
                running = _start(wanted, service, agent)
                if not service.runs_once:
                    stage.services[name] = running
                running.wait()
                if name in tapped:
                    tap = container_tap(engine.client, network.name, names, service.port, labels)
                    stage.taps[name] = tap
            stage.entries = {name: name for name in stage.services}
            stage.entries |= {one.fronts.name: name for name, one in known.items() if one.fronts}
            yield stage
            passes = 1
        finally:
            for agent in agents:
                agent.close()
            for tap in stage.taps.values():
                tap.close()
            _clear(engine, token, passes)


def _clear(engine: Engine, token: str, passes: int) -> None:
    try:
        stays = remove_labelled(engine.client, token, passes=passes, images=False)
    except (DockerException, requests.RequestException):  # the engine is away: told by `engine_stays`
        watchdog.leave_the_rest()
        raise
    if stays:
        watchdog.leave_the_rest()
        raise LeftBehind(
            f"not removed: {'; '.join(stays)}",
            expected="an engine in which nothing of the rehearsal is left",
            fix="the watchdog goes on trying for two minutes; then `rehearse gc`",
        )


def _start(wanted: DockerContainer, service: Service, agent: Agent) -> ContainerService:
    if service.port:  # its own methods publish on every address
        wanted.ports = {f"{service.port}/tcp": ("127.0.0.1", None)}  # type: ignore[dict-item]
    if service.command:
        wanted.with_command(words(service.command))
    wanted.tmpfs.update(service.container.get("tmpfs", {}))
    for here, (there, mode) in agent.mounts().items():
        wanted.with_volume_mapping(here, there, mode)
    try:
        wanted.start()
        return ContainerService(service, wanted.get_wrapped_container(), wanted.image, agent)
    except TypeError as problem:
        raise UsageError(
            f"service {service.name!r} has container={dict(service.container)!r}: {problem}",
            expected="options of the Docker SDK's containers.create()",
            fix="mend their names",
        ) from problem
    except DockerException as problem:
        raise EnvironmentProblem(
            f"the container of service {service.name!r} could not be started: {str(problem)[:300]}",
            expected=f"a container of {wanted.image} with port {service.port}",
            cause="a port that is taken, a memory limit that the engine refuses, or a full disk",
            fix="`rehearse doctor` looks at each of these",
        ) from problem


def _pythonpath(engine: Engine, image: str, env: Mapping[str, str]) -> str:
    """What PYTHONPATH the service would have: its own, else that of its image."""
    built_in = engine.client.images.get(image).attrs["Config"].get("Env") or []
    return env.get("PYTHONPATH") or dict(line.split("=", 1) for line in built_in).get("PYTHONPATH", "")
