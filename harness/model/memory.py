"""What a stage can tell about the memory of one of its services."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Source = Literal["cgroup v1", "cgroup v2", "proc", "exec", "side-car", "stats", "metrics"]


class MemoryReading(Struct, frozen=True, kw_only=True):
    """What a service holds at one moment, in bytes.

    held        what no reclaim can take back: anonymous + shared + kernel memory; page cache is not in it
    shared      of that, shared memory and tmpfs
    kernel      of that, kernel memory
    usage       with page cache, as the engine shows it; None where nobody tells
    limit       the container's own limit, as the kernel has it; None where there is none, or nobody tells
    pressure    percent of the last 10 seconds in which some task waited for memory; None where nobody tells (v1)
    oom_kills   processes the kernel has killed in it for memory, so far; None where it cannot be told
    pids        its processes, as this machine numbers them
    source      where it was read; "exec" is a loop inside the container, "side-car" the same from a container beside
                it, and both number its pids in its own way;
                "stats" is the engine's statistics: about one figure a second, 256 KiB steps; "metrics" is the
                service's own word, what is resident, with mapped files
    """

    held: int
    shared: int = 0
    kernel: int = 0
    usage: int | None = None
    limit: int | None = None
    pressure: float | None = None
    oom_kills: int | None = None
    pids: tuple[int, ...] = ()
    source: Source


class Ceiling(Struct, frozen=True):
    """A limit inside a service, below that of its container: its name ("RLIMIT_DATA", "-Xmx"), the limit, and how
    much of it is used, in bytes."""

    name: str
    limit: int
    used: int
