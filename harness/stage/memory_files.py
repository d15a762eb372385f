"""What a service holds in memory, read from the kernel's files.

The figure is anonymous + shared + kernel memory: what no reclaim can take back. Page cache is not in it.
Anonymous memory comes from each process's statm (exact within pages, 15 us), because memory.stat lags 2 seconds.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE")


def private_bytes(pids: Iterable[int]) -> int | None:
    """Resident memory of these processes that is not shared with files or others; None where none can be read."""
    total, read = 0, False
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/statm").read_text().split()
        except OSError:
            continue  # it ended between being listed and being read
        total += (int(fields[1]) - int(fields[2])) * PAGE
        read = True
    return total if read else None


class Cgroup:
    """The memory files of the control group that process `pid` lives in (v1 and v2).

    Raises OSError where this machine does not show them: an engine in a virtual machine, say.
    """

    def __init__(self, pid: int, root: Path = Path("/sys/fs/cgroup"), proc: Path = Path("/proc")) -> None:
        groups = dict(_groups((proc / str(pid) / "cgroup").read_text()))
        self.v2 = "memory" not in groups
        self.folder = (
            root / groups[""].lstrip("/") if self.v2 else root / "memory" / groups["memory"].lstrip("/")
        )
        if not (self.folder / "cgroup.procs").exists():
            raise FileNotFoundError(self.folder / "cgroup.procs")

    def pids(self) -> list[int]:
        """The processes in it, as this machine numbers them."""
        return [int(line) for line in (self.folder / "cgroup.procs").read_text().split()]

    def unreclaimable(self) -> int | None:
        """Anonymous + shared + kernel bytes; None once it is gone."""
        try:
            stat = dict(line.split() for line in (self.folder / "memory.stat").read_text().splitlines())
            private = private_bytes(self.pids())
            if self.v2:
                shared, kernel = (
                    int(stat.get("shmem", 0)),
                    int(stat.get("kernel", stat.get("slab_unreclaimable", 0))),
                )
            else:
                shared = int(stat.get("total_shmem", stat.get("shmem", 0)))
                kernel = int((self.folder / "memory.kmem.usage_in_bytes").read_text())
        except OSError:
            return None
        return None if private is None else private + shared + kernel

    def oom_kills(self) -> int | None:
        """How many processes in it the kernel has killed for memory; None where it is gone."""
        try:
            text = (self.folder / ("memory.events" if self.v2 else "memory.oom_control")).read_text()
        except OSError:
            return None
        return int(dict(line.split() for line in text.splitlines()).get("oom_kill", 0))


def _groups(text: str) -> Iterable[tuple[str, str]]:
    for line in text.splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            yield controller, path
