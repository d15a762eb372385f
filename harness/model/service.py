"""A service of the system under test, in the words its author writes."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, overload

from harness.compose import ComposeService, read
from harness.errors import UsageError
from harness.model.attached import Attached
from harness.model.project import project_root
from harness.model.quantity import parse_duration, parse_size
from harness.model.secret import Secret

StageKind = Literal["docker", "process", "attach"]


class Verbatim(str):
    """A value of an environment in which `{...}` names no service: it is passed on as it stands."""

    __slots__ = ()


@dataclass(frozen=True, kw_only=True)
class Process:
    """How a service runs as a plain process, on a machine without a container engine.

    command   the command line; `{port}` is the port it shall listen on; `python` is the harness's own Python
    cwd       its folder
    env       on top of the service's own `env`
    """

    command: str
    cwd: str = "."
    env: Mapping[str, str | Secret] = field(default_factory=dict)


@dataclass(frozen=True)
class Build:
    """How an image is built, where the folder alone does not say it.

    context      the folder, relative to the project's
    dockerfile   relative to the context
    args         build arguments
    target       the stage of the Dockerfile at which to stop
    """

    context: str
    dockerfile: str = "Dockerfile"
    args: Mapping[str, str] = field(default_factory=dict)
    target: str = ""


@dataclass(frozen=True)
class Healthcheck:
    """A command inside the container that succeeds once the service is ready: text goes through its shell. It is
    asked until then and no more, because each asking would be seen in the service's memory."""

    test: str | Sequence[str]
    interval: float = 1.0
    timeout: float = 30.0


@dataclass(kw_only=True)
class Service:
    """One container or process of the system under test; its attribute's name is its name and its host name.

    build / image   the folder of its Dockerfile (or a Build), or an image to use as it is
    port            the port it listens on inside the stage; 0: none, as for a worker
    memory          its memory limit ("512 MiB"): enforced on the docker stage, used for forecasts on both
    ready           a path that answers 2xx or 3xx once the service is ready; "" waits for the port only
    healthcheck     a command in its container that must succeed, too (docker stage)
    ready_within    how long it may take to get ready
    runs_once       it is ready once it has ended with exit code 0, as a migration does
    env             its environment; `{payouts.url}`, `{db.host}`, `{db.port}` name other services; what no report
                    may show is a Secret.env("NAME") or Secret.file("path")
    calls           services that must be ready before it starts
    fronts          the service that this one is the gateway of: `live.batch` then enters here
    process         how to run it without containers; None: it stays out of the process stage
    attach          where it already runs (staging); None: it stays out of the attach stage
    tls             how its certificate is judged, where it speaks TLS: "system" by this machine's authorities,
                    "unchecked" not at all, else a PEM file of authorities; "" where it speaks plain HTTP
    tls_name        the name that its certificate is for
    memory_agent    puts an observer into its Python processes (CPython 3.8+, by PYTHONPATH): it tells garbage and
                    fragmentation from leaks, and names the line that leaks

    On the docker stage only:

    command, entrypoint   instead of the image's own: text is split as a shell does, words are taken as they are
    volumes         "data:/var/lib/app" (new and empty for each stage), "./conf:/etc/app:ro" (a folder of the project)
    aliases         further host names of it
    container       further options of its container, as the Docker SDK names them: {"user": "1000"}
    left_out        what its compose file asks for and is not done here; the report says so
    """

    port: int
    build: str | Build = ""
    image: str = ""
    memory: str = "512 MiB"
    ready: str = ""
    healthcheck: Healthcheck | None = None
    ready_within: str = "90s"
    runs_once: bool = False
    env: Mapping[str, str | Secret] = field(default_factory=dict)
    calls: Sequence[Service] = ()
    fronts: Service | None = None
    process: Process | None = None
    attach: Attached | None = None
    memory_agent: bool = False
    tls: str = ""
    tls_name: str = "localhost"
    command: str | Sequence[str] = ""
    entrypoint: str | Sequence[str] = ""
    volumes: Sequence[str] = ()
    aliases: Sequence[str] = ()
    container: Mapping[str, Any] = field(default_factory=dict)
    left_out: Sequence[str] = ()
    name: str = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = self.name or name

    @overload
    @classmethod
    def from_compose(cls, file: str | Path, *, allow: Sequence[str] = ()) -> Composed: ...

    @overload
    @classmethod
    def from_compose(cls, file: str | Path, name: str, *, allow: Sequence[str] = ()) -> Service: ...

    @classmethod
    def from_compose(
        cls, file: str | Path, name: str = "", *, allow: Sequence[str] = ()
    ) -> Composed | Service:
        """Services as a compose file has them, relative to the project's folder: one by its name, or all of them.

            class Friday(Scenario):
                stack = Service.from_compose("compose.yaml")

        makes every service of the file a service of the scenario; one that the class defines itself stands in its
        place. What would reach out of the rehearsal is refused unless `allow` names it. Raises UsageError, Refused.
        """
        caller = Path(sys._getframe(1).f_code.co_filename)
        root = project_root(caller.resolve()) if caller.exists() else Path.cwd()
        found = Composed.read(root / file, root, allow)
        if not name:
            return found
        if name not in found:
            raise UsageError(f"{file} has no service {name!r}", expected=f"one of {', '.join(found)}")
        return found[name]

    def on(self, kind: StageKind) -> bool:
        """Whether this service takes part in a stage of that kind."""
        if kind == "attach":
            return self.attach is not None
        return kind == "docker" or self.process is not None

    def with_env(self, **env: str | Secret) -> Service:
        """A copy with some of its environment replaced: a variant of the same service."""
        return replace(self, env={**self.env, **env})

    @property
    def recipe(self) -> Build | None:
        """How its image is built; None where it is used as it is."""
        if isinstance(self.build, Build):
            return self.build
        return Build(self.build) if self.build else None

    @property
    def ready_seconds(self) -> float:
        """How long it may take to get ready, in seconds. Raises UsageError where it cannot be read."""
        return parse_duration(self.ready_within, what=f"ready_within of service {self.name!r}")

    @property
    def memory_bytes(self) -> int:
        """The memory limit in bytes. Raises UsageError where it cannot be read."""
        return parse_size(self.memory, what=f"memory of service {self.name!r}")


class Composed(Mapping[str, Service]):
    """All services of a compose file, by the names that a scenario has for them: `web-front` is `web_front`."""

    def __init__(self, services: Mapping[str, Service]) -> None:
        self._services = services

    @classmethod
    def read(cls, path: Path, root: Path, allow: Sequence[str] = ()) -> Composed:
        """Reads the file. What is left out of it as a whole is told by the first service."""
        told = read(path, root, allow=allow)
        made: dict[str, Service] = {name: _composed(facts) for name, facts in told.services.items()}
        for name, facts in told.services.items():
            made[name].calls = [made[other] for other in facts.needs if other != facts.fronts]
            made[name].fronts = made[facts.fronts] if facts.fronts else None
        first = next(iter(made.values()))
        first.left_out = [*told.left_out, *first.left_out]
        return cls({service.name: service for service in made.values()})

    def __set_name__(self, owner: type, name: str) -> None:
        for service in self._services.values():
            here = vars(owner).get(service.name)
            if isinstance(here, Service):
                continue
            if here is not None or (
                hasattr(owner, service.name) and not isinstance(getattr(owner, service.name), Service)
            ):
                raise UsageError(
                    f"the compose file has a service {service.name!r}, which a scenario uses for something else",
                    expected="service names that are no words of a scenario",
                    fix="rename the method, or take the services one by one: Service.from_compose(file, name)",
                )
            setattr(owner, service.name, service)

    def __getitem__(self, name: str) -> Service:
        return self._services[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._services)

    def __len__(self) -> int:
        return len(self._services)


def _composed(facts: ComposeService) -> Service:
    name = "".join(c if c.isalnum() else "_" for c in facts.name)
    recipe = Build(facts.context, facts.dockerfile, facts.args, facts.target)
    return Service(
        name=name,
        aliases=[facts.name, *facts.aliases] if name != facts.name else facts.aliases,
        build=recipe if facts.context else "",
        image="" if facts.context else facts.image,
        port=facts.port,
        memory=f"{facts.memory / 2**20:g} MiB" if facts.memory else "512 MiB",
        ready=facts.ready,
        healthcheck=Healthcheck(facts.check, timeout=facts.check_timeout) if facts.check else None,
        ready_within=f"{min(max(90, round(facts.patience)), 600)}s",
        runs_once=facts.finishes,
        env={key: Verbatim(value) for key, value in facts.env.items()},
        command=facts.command,
        entrypoint=facts.entrypoint,
        volumes=facts.volumes,
        container=facts.container,
        left_out=facts.left_out,
    )
