"""What the engine is told of a service's container."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.model.service import Service

LOG_FILES, LOG_SIZE = 4, 5 * 2**20
LOG_CONFIG = {"Type": "json-file", "Config": {"max-size": f"{LOG_SIZE}", "max-file": f"{LOG_FILES}"}}


def options(service: Service, labels: Mapping[str, str]) -> dict[str, Any]:
    """Everything but image, command, environment, network, port and mounts. What is bounded stays so, whatever the
    service says of itself."""
    found: dict[str, Any] = {name: value for name, value in service.container.items() if name != "tmpfs"}
    if service.entrypoint:
        found["entrypoint"] = words(service.entrypoint)
    return found | {
        "mem_limit": service.memory_bytes,
        "memswap_limit": service.memory_bytes,
        "log_config": LOG_CONFIG,
        "labels": {**labels, "rehearse.service": service.name},
    }


def words(given: str | list[str] | tuple[str, ...] | Any) -> list[str]:
    """A command as words."""
    return shlex.split(given) if isinstance(given, str) else list(given)


def mounts(service: Service, root: Path, volumes: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """(here, there, mode) of each volume; `volumes` are the stage's own by the names that the scenario gives them."""
    for text in service.volumes:
        source, there, mode = split_volume(text)
        yield (str((root / source).resolve()) if is_folder(source) else volumes[source]), there, mode


def named_volumes(services: Mapping[str, Service]) -> list[str]:
    """The volumes that the stage has to make."""
    sources = {split_volume(text)[0] for service in services.values() for text in service.volumes}
    return sorted(source for source in sources if not is_folder(source))


def split_volume(text: str) -> tuple[str, str, str]:
    """("data", "/var/lib/app", "rw") of "data:/var/lib/app"."""
    source, _, rest = text.partition(":")
    there, _, mode = rest.partition(":")
    return source, there, mode or "rw"


def is_folder(source: str) -> bool:
    """Whether a volume is a folder of this machine, and no volume of the engine."""
    return source.startswith((".", "/"))
