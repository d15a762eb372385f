"""The container engine: whether one answers, and which stage follows from that."""

from __future__ import annotations

from dataclasses import dataclass

import docker
from docker.errors import DockerException

from harness.errors import EnvironmentProblem


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


def find_engine() -> Engine | NoEngine:
    """Asks the engine that DOCKER_HOST or the usual socket names, for at most 5 seconds."""
    try:
        client = docker.from_env(timeout=5)
        facts = client.version()
        info = client.info()
    except (DockerException, OSError) as problem:
        return NoEngine(_why(problem))
    client.api.timeout = 120
    return Engine(client, facts["Version"], facts["ApiVersion"], f"v{info.get('CgroupVersion', '1')}")


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
    ):
        if known in text:
            return said
    return text[:200]
