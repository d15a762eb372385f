"""Where the kernel's files are out of reach from here (an engine in a virtual machine): a loop that writes one line
ten times a second, read as it comes. It runs inside the container where its image has a shell, else in a container
beside it, from another image of ours, that shares its processes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from docker.errors import DockerException

from harness.model.memory import MemoryReading, Source
from harness.stage.base_image import TAG
from harness.stage.memory_files import PAGE

FRESH = 1.0
FIRST_WITHIN = 3.0
OURS = "rehearse/*"
MOST_IMAGES = 4
# Builtins of the shell only, so that it makes no processes while it counts them; `sleep` comes after.
LOOP = """
root=$OF/sys/fs/cgroup; stat=$root/memory.stat; usage=$root/memory.current; kills=$root/memory.events; kmem=/dev/null
if [ ! -e $stat ]; then
  root=$root/memory; stat=$root/memory.stat; usage=$root/memory.usage_in_bytes
  kills=$root/memory.oom_control; kmem=$root/memory.kmem.usage_in_bytes
fi
while :; do
  pages=0; pids=; shared=0; kernel=; parts=0; used=-1; killed=0
  for folder in /proc/[0-9]*; do
    pid=${folder#/proc/}
    [ "$pid" = $$ ] && continue
    if read -r size resident file rest 2>/dev/null < "$folder/statm"; then
      pages=$((pages + resident - file)); pids="$pids $pid"
    fi
  done
  while read -r name value; do
    case $name in shmem|total_shmem) shared=$value;; kernel) kernel=$value;;
      slab_unreclaimable|kernel_stack|pagetables) parts=$((parts + value));; esac
  done < $stat
  while read -r name value; do [ "$name" = oom_kill ] && killed=$value; done < $kills
  read -r kernel_v1 < $kmem && kernel=$kernel_v1
  read -r used < $usage
  echo "$pages $shared ${kernel:-$parts} $used $killed$pids"
  sleep 0.1
done 2>/dev/null
"""


def stream(container: Any) -> Stream:
    """A loop inside the container, else beside it. Raises OSError where none tells anything."""
    with suppress(DockerException, OSError):
        return Stream(_inside(container), "exec")
    for image in _images(container):
        side = None
        try:
            side = _beside(container, image)
            return Stream(side.attach(stream=True), "side-car")
        except (DockerException, OSError):
            if side is not None:
                side.remove(force=True)
    raise OSError("no loop tells its memory: no image here has a shell, or the engine hides it")


def _inside(container: Any) -> Iterator[bytes]:
    client = container.client.api
    job = client.exec_create(container.id, ["sh", "-c", LOOP], user="0")
    lines: Iterator[bytes] = client.exec_start(job, stream=True)
    return lines


def _beside(container: Any, image: str) -> Any:
    """It sees the processes of that container and, by way of the first of them, its files. It goes with the stage."""
    return container.client.containers.run(
        image,
        [],
        entrypoint=["sh", "-c", LOOP],
        environment={"OF": "/proc/1/root"},
        detach=True,
        user="0",
        pid_mode=f"container:{container.id}",
        network_mode="none",
        cap_add=["SYS_PTRACE"],
        mem_limit="32m",
        memswap_limit="32m",
        log_config={"Type": "none"},
        labels={key: value for key, value in container.labels.items() if key != "rehearse.service"},
    )


def _images(container: Any) -> list[str]:
    """Images that may have a shell: our own base first, then what was built here lately."""
    found = container.client.images.list(filters={"reference": OURS})
    tags = [tag for image in found for tag in image.tags]
    return sorted(tags, key=lambda tag: tag != TAG)[:MOST_IMAGES]


class Stream:
    """The newest reading of a loop that writes these lines. Raises OSError where none comes."""

    def __init__(self, lines: Iterator[bytes], source: Source) -> None:
        self._newest: tuple[float, MemoryReading] | None = None
        self._source = source
        self._thread = threading.Thread(target=self._take, args=(lines,), name="memory-stream", daemon=True)
        self._thread.start()
        until = time.monotonic() + FIRST_WITHIN
        while self._newest is None and self._thread.is_alive() and time.monotonic() < until:
            time.sleep(0.02)
        if self._newest is None:
            raise OSError("no line came")

    def read(self) -> MemoryReading | None:
        """The newest reading; None where it is more than a second old: the container is gone, or stands still."""
        if self._newest is None or time.monotonic() - self._newest[0] > FRESH:
            return None
        return self._newest[1]

    def _take(self, parts: Iterable[bytes]) -> None:
        rest = b""
        try:
            for part in parts:
                *lines, rest = (rest + part).split(b"\n")
                for line in lines:
                    found = parsed(line.decode(errors="replace"), self._source)
                    if found is not None:
                        self._newest = (time.monotonic(), found)
        except (DockerException, OSError):
            return  # the container is gone: there is nothing newer


def parsed(line: str, source: Source) -> MemoryReading | None:
    """One line of the loop; None where it is none."""
    fields = line.split()
    if len(fields) < 5 or not all(field.lstrip("-").isdigit() for field in fields):
        return None
    pages, shared, kernel, usage, kills, *pids = map(int, fields)
    return MemoryReading(
        held=pages * PAGE + shared + kernel,
        shared=shared,
        kernel=kernel,
        usage=usage if usage >= 0 else None,
        oom_kills=kills,
        pids=tuple(pids),
        source=source,
    )
