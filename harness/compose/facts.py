"""What is taken out of a compose file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class ComposeService:
    """One service. Paths are relative to the project's folder, or absolute where they lie outside and are allowed.

    name       as the compose file has it: its host name
    needs      the services that must be up before it, in the order written
    finishes   another service waits for its end: it runs once
    fronts     the service that it is the gateway of, and `ready` its path, both from `x-rehearse`
    patience   seconds that its health check allows it until it is ready; 0: says nothing
    """

    name: str
    image: str = ""
    context: str = ""
    dockerfile: str = "Dockerfile"
    args: dict[str, str] = field(default_factory=dict)
    target: str = ""
    command: list[str] = field(default_factory=list)
    entrypoint: list[str] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    port: int = 0
    memory: int = 0
    volumes: list[str] = field(default_factory=list)
    aliases: list[str] = field(default_factory=list)
    networks: list[str] = field(default_factory=list)
    check: str | list[str] = ""
    check_timeout: float = 30.0
    patience: float = 0.0
    needs: list[str] = field(default_factory=list)
    finishes: bool = False
    fronts: str = ""
    ready: str = ""
    container: dict[str, Any] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class ComposeFile:
    """The services of a file by name, and what was left out that belongs to none of them."""

    services: dict[str, ComposeService]
    left_out: list[str]
