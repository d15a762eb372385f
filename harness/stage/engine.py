"""The container engine: whether one answers, and which stage follows from that."""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import requests
from docker.errors import DockerException

from harness.errors import EnvironmentProblem

DOCKER_SOCKET = "/var/run/docker.sock"


@dataclass(frozen=True)
class Engine:
    """An engine that answers."""

    client: docker.DockerClient
    version: str
    api: str
    cgroup: str


@dataclass(frozen=True)
class NoEngine:
    """Why none answers."""

    why: str


@functools.cache
def is_podman(api: Any) -> bool:
    """Whether Podman answers in Docker's place. It drops the beginning of a long log and leaves no trace of it, and
    with cgroup v1 it does not tell that memory was why a container ended."""
    parts = [part.get("Name", "") for part in api.version().get("Components") or []]
    return any("Podman" in part for part in parts)


def find_engine() -> Engine | NoEngine:
    """Asks the engine that DOCKER_HOST names, or the first of the usual sockets that there is: Docker's, Docker's
    without root, Podman's, Podman's without root. Each call gets at most 5 seconds."""
    if not os.environ.get("DOCKER_HOST") and not Path(DOCKER_SOCKET).exists():
        other = next((path for path in _other_sockets() if path.is_socket()), None)
        if other is not None:  # whatever else asks for an engine, the watchdog too, shall find the same one
            os.environ["DOCKER_HOST"] = f"unix://{other}"
    try:
        client = docker.from_env(timeout=5)
        facts = client.version()
        info = client.info()
    except (DockerException, requests.RequestException, OSError) as problem:
        return NoEngine(_why(problem))
    client.api.timeout = 120
    name = "Podman " if is_podman(client.api) else ""
    cgroup = f"v{info.get('CgroupVersion', '1')}"
    return Engine(client, f"{name}{facts['Version']}", facts["ApiVersion"], cgroup)


def _other_sockets() -> list[Path]:
    own = Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
    return [own / "docker.sock", Path("/run/podman/podman.sock"), own / "podman/podman.sock"]


def need_engine() -> Engine:
    """The engine. Raises EnvironmentProblem where none answers."""
    found = find_engine()
    if isinstance(found, Engine):
        return found
    raise EnvironmentProblem(
        f"no container engine answers: {found.why}",
        expected="a Docker engine (20.10 or later) at the usual socket or at DOCKER_HOST",
        cause="it is not installed, not started, or this user may not use its socket",
        fix="start it, or rehearse with --stage process; `rehearse doctor` says more",
    )


def _why(problem: BaseException) -> str:
    text = str(problem)
    for known, said in (
        ("No such file or directory", "no socket at the usual place"),
        ("Connection refused", "a socket is there, but nothing listens on it"),
        ("Permission denied", "this user may not use the engine's socket"),
        ("Read timed out", "something listens on its socket, and does not answer within 5 s"),
        ("500 Server Error", "it answers with errors of its own (500): its log says why"),
    ):
        if known in text:
            return said
    return text[:200]
