"""The docker stage: one network, one container a service, all of it removed at the end."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import docker
import psutil
from docker.errors import APIError, DockerException, NotFound

from harness.errors import EnvironmentProblem
from harness.model.scenario import Scenario, Service
from harness.model.stage import Ending
from harness.stage.engine import OWNER_LABEL, Engine, owner
from harness.stage.images import image_for
from harness.stage.logs import HEAD, TAIL, left_out
from harness.stage.memory_files import Cgroup
from harness.stage.readiness import answers, wait_until_ready
from harness.stage.wiring import Address, environment

# testcontainers reads these when it is imported. Its reaper is an image from a registry, which is not always
# there, and it acknowledges nothing; what we start is removed by this stage's own `with`.
os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")

from testcontainers.core.container import DockerContainer  # noqa: E402
from testcontainers.core.network import Network  # noqa: E402

LOG_CONFIG = {"Type": "json-file", "Config": {"max-size": "5m", "max-file": "4"}}


class ContainerService:
    """One service in its container."""

    def __init__(self, name: str, container: Any, image: str, address: tuple[str, int], memory_limit: int) -> None:
        self.name, self.address, self.memory_limit, self.image = name, address, memory_limit, image
        self._container = container
        self._pid = int(container.attrs["State"]["Pid"])
        self._oom_kills = 0
        try:
            self._cgroup: Cgroup | None = Cgroup(self._pid)
        except OSError:  # it ended at once, or the engine runs on another machine
            self._cgroup = None

    def ending(self) -> Ending | None:
        """How it ended, or None while it runs. The kernel's own counter decides whether memory was the reason."""
        if self._cgroup is not None and psutil.pid_exists(self._pid):
            return None
        self._container.reload()
        state = self._container.attrs["State"]
        if state["Running"]:
            return None
        return Ending(exit_code=state["ExitCode"], oom_killed=bool(state["OOMKilled"]) or self._oom_kills > 0)

    def memory(self) -> int | None:
        """Anonymous, shared and kernel bytes of the container; None where they cannot be read."""
        if self._cgroup is None:
            return None
        self._oom_kills = self._cgroup.oom_kills() or self._oom_kills
        return self._cgroup.unreclaimable()

    def logs(self) -> bytes:
        """Its output, head and tail."""
        text: bytes = self._container.logs()
        if len(text) <= HEAD + TAIL:
            return text
        return text[:HEAD] + left_out(len(text) - HEAD - TAIL) + text[-TAIL:]


class ContainerStage:
    """The services up as containers."""

    kind = "docker"

    def __init__(self) -> None:
        self.services: dict[str, ContainerService] = {}
        self.entries: dict[str, str] = {}


def build_images(engine: Engine, scenario: Scenario, root: Path) -> dict[str, str]:
    """The image of each service by name; built where its content is new."""
    return {name: image_for(engine.client, service, root) for name, service in scenario.services().items()}


@contextmanager
def container_stage(
    engine: Engine, scenario: Scenario, images: Mapping[str, str], *, ready_within: float = 90.0
) -> Iterator[ContainerStage]:
    """Starts the scenario's services in order on a network of their own; removes them all at the end."""
    known = scenario.services()
    addresses = {name: Address(name, service.port) for name, service in known.items()}
    stage = ContainerStage()
    with ExitStack() as stack:
        network = Network(docker_network_kw={"labels": {OWNER_LABEL: owner()}})
        network.create()
        stack.callback(_quietly, network.remove)
        for name, service in known.items():
            env = environment(service.env, addresses, known, {"port": str(service.port)})
            stage.services[name] = _start(stack, network, service, images[name], env)
            wait_until_ready(
                name,
                answers(stage.services[name].address, service.ready),
                ending=stage.services[name].ending,
                logs=stage.services[name].logs,
                timeout=ready_within,
            )
        stage.entries = {name: name for name in known}
        stage.entries |= {service.fronts.name: name for name, service in known.items() if service.fronts}
        yield stage


def _start(stack: ExitStack, network: Network, service: Service, image: str, env: dict[str, str]) -> ContainerService:
    port = f"{service.port}/tcp"
    wanted = DockerContainer(image).with_envs(**env).with_network(network).with_network_aliases(service.name)
    wanted.ports = {port: ("127.0.0.1", None)}  # type: ignore[dict-item]  # its own methods publish on every address
    wanted.with_kwargs(
        mem_limit=service.memory_bytes,
        memswap_limit=service.memory_bytes,
        log_config=LOG_CONFIG,
        labels={OWNER_LABEL: owner(), "rehearse.service": service.name},
    )
    stack.callback(_quietly, wanted.stop)
    try:
        wanted.start()
        container = wanted.get_wrapped_container()
        container.reload()
        published = container.attrs["NetworkSettings"]["Ports"].get(port) or []
    except (DockerException, APIError) as problem:
        raise EnvironmentProblem(
            f"the container of service {service.name!r} could not be started: {str(problem)[:300]}",
            expected=f"a container of {image} with port {service.port}",
            cause="a port that is taken, a memory limit that the engine refuses, or a full disk",
            fix="`rehearse doctor` looks at each of these",
        ) from problem
    if not published:
        raise EnvironmentProblem(
            f"service {service.name!r} ended before its port {service.port} was published",
            expected="a service that stays up",
            cause="its command failed at once",
            fix=f"docker run --rm -it {image}",
        )
    address = ("127.0.0.1", int(published[0]["HostPort"]))
    return ContainerService(service.name, container, image, address, service.memory_bytes)


def _quietly(remove: Any) -> None:
    """Removes one thing; what is gone already is fine, and what cannot be removed must not keep the rest."""
    try:
        remove()
    except NotFound:
        pass
    except (DockerException, docker.errors.APIError) as problem:
        print(f"rehearse: not removed: {problem}", flush=True)  # noqa: T201
