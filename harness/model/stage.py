"""What a stage shows to the rest of the house: services that run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct


class Ending(Struct, frozen=True):
    """How a service ended: its exit code, and whether the kernel killed it for its memory (None: cannot tell)."""

    exit_code: int | None
    oom_killed: bool | None


class RunningService(Protocol):
    """One service that was started."""

    name: str
    address: tuple[str, int]
    memory_limit: int

    def ending(self) -> Ending | None:
        """How it ended, or None while it runs."""

    def memory(self) -> int | None:
        """Bytes it holds that no reclaim can take back: anonymous, shared and kernel memory. None: unreadable."""

    def logs(self) -> bytes:
        """What it wrote to stdout and stderr: at most the first 1 MiB and the last 4 MiB."""


class Stage(Protocol):
    """The services up and reachable."""

    kind: str
    services: Mapping[str, RunningService]
    entries: Mapping[str, str]
    """Which service a request for `live.<name>` enters at: the gateway in front, or the service itself."""
