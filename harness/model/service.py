"""A service of the system under test, in the words its author writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from harness.model.attached import Attached
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
