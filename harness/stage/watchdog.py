"""Removes what a rehearsal has started, also when the rehearsal itself is killed.

Everything that is started carries its owner: containers, networks, volumes and images as a label, processes in their
environment, scratch folders in their name. By label, and not by what somebody remembers, because a signal may arrive
between the engine's making a thing and our hearing of it. For the same reason a removal looks again until nothing has
turned up three times in a row.

As a script this file is the watchdog: a process in a session of its own that holds the reading end of a pipe. Its
end means that the rehearsal is dead, whatever killed it. A rehearsal that ended by itself says so first.
It imports little, so that starting it costs little, and nothing of this package, so that it works as a script.
What it needs for the engine it loads when it hears that one will be used: after a kill there is no time for that.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil

OWNER_LABEL = "rehearse.owner"
OWNER_VARIABLE = "REHEARSE_OWNER"
BUILD_MARK = "{}.build.invalid"
"""The engine gives the containers of a build no label of ours, but its arguments: this host, in NO_PROXY."""
OWNER = re.compile(r"\d+-\d+-[0-9a-f]+")
EMPTY_PASSES = 3
PAUSE = 0.3
LATE = (1.0, 3.0)
AT_ONCE = 8
ENGINE_AWAY = 120.0
"""So long the engine may be away."""
AND_BACK = 40.0
"""So long it may then take to start, and to remove what is left."""
STUBBORN = 10.0
ENGINE, DONE = b"engine\n", b"done\n"
"""What `leash` says to it."""


def this_process() -> str:
    """The owner that this process is: its pid, when it started, and which boot of the machine that was."""
    return owner_of(psutil.Process())


def scratch_folder(owner: str) -> Path:
    """A new folder for files that go with the stage."""
    return Path(tempfile.mkdtemp(prefix=f"rehearse-{owner}-"))


def remove(client: Any | None, owner: str, *, passes: int = EMPTY_PASSES) -> list[str]:
    """Removes everything of an owner's until `passes` looks in a row find nothing. Returns what stays, and why."""
    empty = 0
    stays: list[str] = []
    while empty < passes and not stays:
        found = _end_processes(owner)
        found += _remove_folders(owner, stays)
        if client is not None:
            stays += remove_labelled(client, f"{OWNER_LABEL}={owner}", passes=1)
            stays += remove_builds(client, owner, passes=1)
        empty = 0 if found else empty + 1
        time.sleep(PAUSE if empty < passes else 0)
    return stays


def remove_labelled(client: Any, label: str, *, passes: int = EMPTY_PASSES, images: bool = True) -> list[str]:
    """Removes what has a label from the engine until `passes` looks in a row find nothing, or nothing can be
    removed. Returns what stays, and why. An engine with many images takes long to look through them: a stage, which
    makes none, leaves them out."""
    return _remove_what(client, lambda: things(client, label, images=images), passes)


def remove_builds(client: Any, owner: str, *, passes: int = EMPTY_PASSES) -> list[str]:
    """The same of the containers of an owner's builds."""
    return _remove_what(client, lambda: builds(client, owner), passes)


def _remove_what(client: Any, look: Callable[[], list[dict[str, Any]]], passes: int) -> list[str]:
    empty = 0
    while empty < passes:
        found = look()
        stays = _remove_things(client, found)
        if stays and len(stays) == len(found):
            return stays
        empty = 0 if found else empty + 1
        if passes > 1 and empty < passes:  # in one pass nothing is under way that could still turn up
            time.sleep(PAUSE)
    return []


def _watch(owner: str) -> None:
    """Waits for the end of the pipe, then removes. In the engine also while that is away for a while, and once more a
    little later, because one under load may still be making what was asked for before the end."""
    engine = False
    for line in sys.stdin.buffer:
        if line == DONE:
            return
        import docker.transport  # noqa: F401

        engine = True
    began = time.monotonic()
    while remove(None, owner) and time.monotonic() < began + STUBBORN:
        time.sleep(1)
    clean = 0 if engine else 2
    while clean < 2 and time.monotonic() < began + ENGINE_AWAY + AND_BACK:
        looked = time.monotonic()
        clean = clean + 1 if _cleared(owner) else 0
        time.sleep(min(max(time.monotonic() - looked, LATE[0]), LATE[1]) if clean < 2 else 0)


def _cleared(owner: str) -> bool:
    """Whether the engine answered, and nothing of the owner's is left in it."""
    import docker
    import requests

    try:
        client = docker.from_env(timeout=20)
        return not remove(client, owner)
    except (docker.errors.DockerException, requests.RequestException, OSError):
        return False


def owner_of(process: psutil.Process) -> str:
    """The owner that a process is."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    if not boot.exists():  # no Linux
        return f"{process.pid}-{int(process.create_time() * 100)}-0"
    try:  # in ticks since the boot: seconds of the wall clock move when the clock is set
        started = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        raise psutil.NoSuchProcess(process.pid) from None
    return f"{process.pid}-{started}-{boot.read_text()[:8]}"


def _end_processes(owner: str) -> int:
    mine = family(owner)
    for process in mine:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(mine, timeout=5)
    return len(mine)


def family(owner: str) -> list[psutil.Process]:
    """The processes that carry the owner, and those of the sessions that they lead: one that has wiped its
    environment is still in its session."""
    mine = {
        process.pid: process for process, own in processes() if own == owner and process.pid != os.getpid()
    }
    for process in psutil.process_iter():
        with contextlib.suppress(OSError):
            if process.pid not in mine and os.getsid(process.pid) in mine:
                mine[process.pid] = process
    return list(mine.values())


def _remove_folders(owner: str, stays: list[str]) -> int:
    found = list(folders(owner))
    for folder in found:
        shutil.rmtree(folder, ignore_errors=True)
        if folder.exists():  # something may be mounted in it, by a base image in the making
            with contextlib.suppress(OSError):
                rows = [row.split()[4] for row in Path("/proc/self/mountinfo").read_text().splitlines()]
                for place in sorted((row for row in rows if row.startswith(f"{folder}/")), reverse=True):
                    subprocess.run(["umount", "-l", place], capture_output=True, check=False)
            shutil.rmtree(folder, ignore_errors=True)
        if folder.exists():
            stays.append(f"folder {folder}")
    return len(found)


def processes() -> Iterator[tuple[psutil.Process, str]]:
    """Every process that carries an owner, with it."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            owner = process.environ().get(OWNER_VARIABLE)
            if owner:
                yield process, owner


def folders(owner: str) -> Iterator[Path]:
    """The scratch folders of an owner; of all, for ""."""
    return Path(tempfile.gettempdir()).glob(f"rehearse-{owner}-*" if owner else "rehearse-*-*-*-*")


def things(client: Any, label: str, *, images: bool = True) -> list[dict[str, Any]]:
    """What has a label, in the order in which it can go: what uses a network or a volume before it."""
    wanted = {"label": label}
    return [
        *client.api.containers(all=True, filters=wanted),
        *client.api.networks(filters=wanted),
        *(client.api.volumes(filters=wanted)["Volumes"] or []),
        *(client.api.images(all=True, filters=wanted) if images else []),
    ]


def builds(client: Any, owner: str) -> list[dict[str, Any]]:
    """The containers in which steps of an owner's builds run."""
    import docker

    found = []
    for container in client.api.containers(all=True):
        with contextlib.suppress(docker.errors.NotFound):  # it has ended meanwhile
            words = client.api.inspect_container(container["Id"])["Config"]["Env"] or []
            found += [container] * any(BUILD_MARK.format(owner) in word for word in words)
    return found


def kind(thing: dict[str, Any]) -> str:
    """container, network, volume or image."""
    told = {"Names": "container", "Mountpoint": "volume", "RepoTags": "image"}
    return next((kind for field, kind in told.items() if field in thing), "network")


def called(thing: dict[str, Any]) -> str:
    """What it is called."""
    names = thing.get("Names") or thing.get("RepoTags") or [thing.get("Name") or thing.get("Id")]
    return str(names[0])


def _remove_things(client: Any, found: list[dict[str, Any]]) -> list[str]:
    """Removes the containers side by side, then the rest. Returns what stays, and why."""
    containers = [thing for thing in found if kind(thing) == "container"]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        told = list(pool.map(functools.partial(_remove_thing, client), containers))
    told += [_remove_thing(client, thing) for thing in found if kind(thing) != "container"]
    return [problem for problem in told if problem]


def _remove_thing(client: Any, thing: dict[str, Any]) -> str:
    import docker

    try:
        match kind(thing):
            case "container":
                client.api.remove_container(thing["Id"], force=True, v=True)
            case "network":
                client.api.remove_network(thing["Id"])
            case "volume":
                client.api.remove_volume(thing["Name"], force=True)
            case "image":
                client.api.remove_image(thing["Id"], force=True)
    except docker.errors.NotFound:
        return ""
    except docker.errors.APIError as problem:
        if "already in progress" in str(problem):
            return ""
        return f"{kind(thing)} {called(thing)}: {problem.explanation}"
    return ""


if __name__ == "__main__":
    _watch(sys.argv[1])
