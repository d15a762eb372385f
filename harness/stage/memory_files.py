"""What a service holds in memory, read from the kernel's files.

The figure is anonymous + shared + kernel memory: what no reclaim can take back. Page cache is not in it.
Anonymous memory comes from each process's statm (exact within pages, 15 us), because memory.stat lags 2 seconds;
at checkpoints from smaps_rollup, which counts a page that forked workers share once and costs 1 ms for each 32 MiB.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from harness.model.memory import Ceiling, MemoryReading, Source

PAGE = os.sysconf("SC_PAGE_SIZE")
PROC = Path("/proc")
SLOW_EVERY = 5
NO_LIMIT = 2**62  # v1 tells "none" as the largest number of pages
_ROLLUP = re.compile(r"^(Anonymous|Pss|Pss_Anon|Pss_Shmem):\s+(\d+) kB", re.MULTILINE)
_HEAP_FLAGS = re.compile(rb"(-Xmx|--max-old-space-size=)(\d+)([kKmMgG]?)")
_RLIMITS = (("RLIMIT_DATA", "Max data size", "VmData"), ("RLIMIT_AS", "Max address space", "VmSize"))
_RUNTIMES = (("python", "python"), ("node", "node"), ("java", "jvm"))
_UNIT = {b"": 0, b"k": 10, b"m": 20, b"g": 30}


def private_bytes(pids: Iterable[int], proc: Path = PROC) -> int | None:
    """Resident memory of these processes that is not shared with files or others; None where none can be read."""
    total, read = 0, False
    for pid in pids:
        try:
            fields = _read(f"{proc}/{pid}/statm").split()
        except OSError:
            continue  # it ended between being listed and being read
        total += (int(fields[1]) - int(fields[2])) * PAGE
        read = True
    return total if read else None


def _kib(pattern: str, text: str) -> int | None:
    """Bytes of the first figure in kB that the pattern finds."""
    found = re.search(pattern, text, re.MULTILINE)
    return int(found[1]) * 1024 if found else None


def proportional_bytes(pids: Iterable[int], proc: Path = PROC) -> tuple[int, int] | None:
    """(anonymous, shared) bytes of these processes, each page counted once; None where none can be read."""
    anonymous, shared, read = 0, 0, False
    for pid in pids:
        try:
            found: dict[str, str] = dict(_ROLLUP.findall((proc / str(pid) / "smaps_rollup").read_text()))
        except OSError:
            continue
        anonymous += int(found.get("Pss_Anon", found.get("Anonymous", 0))) * 1024
        shared += int(found.get("Pss_Shmem", 0)) * 1024
        read = True
    return (anonymous, shared) if read else None


def read_processes(pids: Sequence[int], *, deep: bool) -> MemoryReading | None:
    """What processes outside any container hold. Shared memory only when `deep`: statm does not name it."""
    if deep:
        found = proportional_bytes(pids)
        if found is not None:
            return MemoryReading(held=sum(found), shared=found[1], pids=tuple(pids), source="proc")
    private = private_bytes(pids)
    return None if private is None else MemoryReading(held=private, pids=tuple(pids), source="proc")


def ceilings(pids: Iterable[int], proc: Path = PROC) -> list[Ceiling]:
    """The limits these processes stand under by themselves: RLIMIT_DATA, RLIMIT_AS, a JVM's or Node's heap."""
    found = []
    for pid in pids:
        folder = proc / str(pid)
        try:
            limits, status = (folder / "limits").read_text(), (folder / "status").read_text()
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
        except OSError:
            continue
        for name, row, field in _RLIMITS:
            limit = re.search(rf"^{row}\s+(\d+)", limits, re.MULTILINE)
            used = _kib(rf"^{field}:\s+(\d+) kB", status)
            if limit and used is not None:
                found.append(Ceiling(name, int(limit[1]), used))
        used = _kib(r"^RssAnon:\s+(\d+) kB", status) or 0
        for flag, size, unit in _HEAP_FLAGS.findall(command):
            shift = 20 if flag.startswith(b"--") else _UNIT[unit.lower()]
            found.append(Ceiling(flag.decode().rstrip("="), int(size) << shift, used))
    return found


def runtime(pids: Iterable[int], proc: Path = PROC) -> str:
    """What the processes run on, as far as it shows: python, node, jvm, else jemalloc or native; "" where none can be
    looked at."""
    found = ""
    for pid in pids:
        folder = proc / str(pid)
        try:
            program = (folder / "exe").readlink().name
            told = next((name for start, name in _RUNTIMES if program.startswith(start)), "")
            if told:
                return told
            found = "jemalloc" if "libjemalloc" in (folder / "maps").read_text() else found or "native"
        except OSError:
            continue
    return found


class Cgroup:
    """The memory files of the control group that process `pid` lives in (v1 and v2).

    Raises OSError where this machine does not show them: an engine in a virtual machine, say.
    """

    def __init__(self, pid: int, root: Path = Path("/sys/fs/cgroup"), proc: Path = PROC) -> None:
        groups = dict(_groups((proc / str(pid) / "cgroup").read_text()))
        self.v2 = "memory" not in groups
        self.folder = (
            root / groups[""].lstrip("/") if self.v2 else root / "memory" / groups["memory"].lstrip("/")
        )
        if not (self.folder / "cgroup.procs").exists():
            raise FileNotFoundError(self.folder / "cgroup.procs")
        self.source: Source = "cgroup v2" if self.v2 else "cgroup v1"
        self._proc = proc
        self._pids: list[int] = []
        self._rest = (0, 0, 0)
        self._age = 0

    def pids(self) -> list[int]:
        """The processes in it, as this machine numbers them."""
        return [int(line) for line in _read(f"{self.folder}/cgroup.procs").split()]

    def reading(self, *, deep: bool) -> MemoryReading | None:
        """What it holds; None once it is gone. What moves slowly is read anew every fifth time, and when `deep`."""
        try:
            if deep or self._age % SLOW_EVERY == 0:
                self._pids = self.pids()
                self._rest = (*self._shared_and_kernel(), self.oom_kills() or 0)
            self._age += 1
            usage = int(_read(f"{self.folder}/{'memory.current' if self.v2 else 'memory.usage_in_bytes'}"))
        except (OSError, ValueError):
            return None
        found = proportional_bytes(self._pids, self._proc) if deep else None
        private = found[0] if found else private_bytes(self._pids, self._proc)
        if private is None:
            return None
        shared, kernel, kills = self._rest
        return MemoryReading(
            held=private + shared + kernel,
            shared=shared,
            kernel=kernel,
            usage=usage,
            limit=self.limit() if deep else None,
            pressure=self.pressure() if deep else None,
            oom_kills=kills,
            pids=tuple(self._pids),
            source=self.source,
        )

    def oom_kills(self) -> int | None:
        """How many processes in it the kernel has killed for memory; None where it is gone."""
        try:
            text = _read(f"{self.folder}/{'memory.events' if self.v2 else 'memory.oom_control'}")
        except OSError:
            return None
        return int(_table(text).get("oom_kill", 0))

    def limit(self) -> int | None:
        """Its own limit; None where it has none, or is gone."""
        try:
            text = _read(f"{self.folder}/{'memory.max' if self.v2 else 'memory.limit_in_bytes'}").strip()
        except OSError:
            return None
        return int(text) if text.isdigit() and int(text) < NO_LIMIT else None

    def pressure(self) -> float | None:
        """Percent of the last 10 seconds in which some task waited for memory; None where the kernel does not tell
        (v1 has no figure for a group)."""
        try:
            found = re.search(r"some avg10=([\d.]+)", _read(f"{self.folder}/memory.pressure"))
        except OSError:
            return None
        return float(found[1]) if found else None

    def _shared_and_kernel(self) -> tuple[int, int]:
        stat = _table(_read(f"{self.folder}/memory.stat"))
        if not self.v2:
            kernel = int(_read(f"{self.folder}/memory.kmem.usage_in_bytes"))
            return int(stat.get("total_shmem", stat.get("shmem", 0))), kernel
        older = sum(int(stat.get(name, 0)) for name in ("slab_unreclaimable", "kernel_stack", "pagetables"))
        return int(stat.get("shmem", 0)), int(stat.get("kernel", older))


def _table(text: str) -> dict[str, str]:
    return dict(line.split(" ", 1) for line in text.splitlines())


def _read(path: str) -> str:
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123  # twenty times a second: a Path costs more than the read
        return file.read(65536).decode()


def _groups(text: str) -> Iterable[tuple[str, str]]:
    for line in text.splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            yield controller, path
