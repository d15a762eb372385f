"""The docker stage: one network, one container a service, all of it removed at the end."""

from __future__ import annotations

import os
import secrets
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import requests
from docker.errors import DockerException

from harness.errors import EnvironmentProblem, LeftBehind, UsageError
from harness.model.scenario import Scenario, Service
from harness.stage.agent_channel import Agent, agent_for
from harness.stage.container_options import mounts, named_volumes, options, words
from harness.stage.container_service import ContainerService
from harness.stage.engine import Engine
from harness.stage.engine_watch import engine_stays
from harness.stage.images import image_for
from harness.stage.labels import STAGE_LABEL
from harness.stage.labels import labels as owned
from harness.stage.leash import leave_the_rest
from harness.stage.opened import Opened
from harness.stage.tapping import BEHIND, container_tap
from harness.stage.watchdog import EMPTY_PASSES, OWNER_LABEL, remove_labelled
from harness.stage.wiring import Address, environment

# testcontainers reads these when it is imported. Its reaper is an image from a registry, which is not always
# there, and it acknowledges nothing; what we start is removed by label, below.
os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")

from testcontainers.core.container import DockerContainer
from testcontainers.core.network import Network

ContainerStage = Opened[ContainerService]


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
    making = _Making(engine, scenario.services(), images, root, tapped)
    passes = EMPTY_PASSES
    with engine_stays(making.token):
        try:
            making.all()
            yield making.stage
            passes = 1
        finally:
            making.close()
            _clear(engine, making.token, passes)


class _Making:
    """A stage while it is made: everything of it carries `token` as a label."""

    def __init__(
        self,
        engine: Engine,
        known: Mapping[str, Service],
        images: Mapping[str, str],
        root: Path,
        tapped: Collection[str],
    ) -> None:
        self._engine, self._known, self._images, self._root = engine, known, images, root
        self._tapped, self._agents = tapped, list[Agent]()
        self._labels = {**owned(), STAGE_LABEL: secrets.token_hex(8)}
        self.token = f"{STAGE_LABEL}={self._labels[STAGE_LABEL]}"
        self.stage = ContainerStage("docker")

    def all(self) -> None:
        """Network, volumes, then one service after the other, each until it is ready."""
        make = self._engine.client.volumes.create
        self._network = Network(docker_network_kw={"labels": self._labels}).create()
        self._volumes = {name: make(labels=self._labels).name for name in named_volumes(self._known)}
        for name, service in self._known.items():
            self._one(name, service)
        self.stage.enter_by(self._known)

    def close(self) -> None:
        """What no label finds."""
        for agent in self._agents:
            agent.close()
        for tap in self.stage.taps.values():
            tap.close()

    def _one(self, name: str, service: Service) -> None:
        agent = agent_for(self._labels[OWNER_LABEL], wanted=service.memory_agent)
        self._agents.append(agent)
        names = [name, *service.aliases]
        wanted = self._wanted(service, agent)
        wanted.with_network_aliases(*([BEHIND.format(name)] if name in self._tapped else names))
        running = _start(wanted, service, agent)
        if not service.runs_once:
            self.stage.services[name] = running
        running.wait()
        if name in self._tapped:
            client, network = self._engine.client, self._network.name
            self.stage.taps[name] = container_tap(client, network, names, service.port, self._labels)

    def _wanted(self, service: Service, agent: Agent) -> DockerContainer:
        """What the engine is to make, but for its names on the network."""
        image, known = self._images[service.name], self._known
        addresses = {name: Address.of(other, name, other.port) for name, other in known.items()}
        env = environment(service.env, addresses, known, {"port": str(service.port)})
        if service.memory_agent:
            env |= agent.environment(_pythonpath(self._engine, image, env), inside=True)
        wanted = DockerContainer(image).with_envs(**env).with_network(self._network)
        wanted.with_kwargs(**options(service, self._labels))
        for here, there, mode in mounts(service, self._root, self._volumes):
            wanted.with_volume_mapping(here, there, mode)
        return wanted


def _clear(engine: Engine, token: str, passes: int) -> None:
    try:
        stays = remove_labelled(engine.client, token, passes=passes, images=False)
    except (DockerException, requests.RequestException):  # the engine is away: told by `engine_stays`
        leave_the_rest()
        raise
    if stays:
        leave_the_rest()
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
