"""The last resort where the kernel's files are out of reach: the engine's own statistics.

They move once a second in steps of about 256 KiB, so what rests on them is marked as of low resolution.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from docker.errors import DockerException

from harness.model.memory import MemoryReading


def from_stats(container: Any) -> MemoryReading | None:
    """One reading from the engine, in about a second; None where it has none (the container is gone)."""
    try:
        return reading(container.stats(stream=False).get("memory_stats", {}))
    except (DockerException, OSError):
        return None


def reading(told: Mapping[str, Any]) -> MemoryReading | None:
    """A reading from `memory_stats` as the engine words them on v1 and v2; None where they are empty."""
    stats, usage = told.get("stats", {}), told.get("usage")
    if usage is None:
        return None
    if "total_rss" in stats:  # v1 says nothing of kernel memory here
        shared = int(stats.get("total_shmem", 0))
        held = int(stats["total_rss"]) + shared
        return MemoryReading(held=held, shared=shared, usage=usage, source="stats")
    if "anon" in stats:
        shared = int(stats.get("shmem", 0))
        kernel = sum(int(stats.get(name, 0)) for name in ("kernel_stack", "slab_unreclaimable", "pagetables"))
        held = int(stats["anon"]) + shared + kernel
        return MemoryReading(held=held, shared=shared, kernel=kernel, usage=usage, source="stats")
    return MemoryReading(held=int(usage) - int(stats.get("inactive_file", 0)), usage=usage, source="stats")
