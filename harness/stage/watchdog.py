"""Removes what a rehearsal has started, also when the rehearsal itself is killed.

Everything that is started carries its owner: containers and networks as a label, processes in their environment,
scratch folders in their name. By label, and not by what somebody remembers, because a signal may arrive between
the engine's making a thing and our hearing of it. For the same reason a removal looks again until nothing has
turned up three times in a row.

As a script this file is the watchdog: a process in a session of its own that holds the reading end of a pipe. Its
end means that the rehearsal is dead, whatever killed it. A rehearsal that ended by itself says so first.
It imports little, so that starting it costs little, and nothing of this package, so that it works as a script.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

OWNER_LABEL = "rehearse.owner"
STAGE_LABEL = "rehearse.stage"
OWNER_VARIABLE = "REHEARSE_OWNER"
OWNER = re.compile(r"\d+-\d+-[0-9a-f]+")
EMPTY_PASSES = 3
PAUSE = 0.3
ENGINE_AWAY = 120.0
DONE = b"done\n"


def this_process() -> str:
    """The owner that this process is: its pid, when it started, and which boot of the machine that was."""
    return _owner(psutil.Process())


def alive(owner: str) -> bool:
    """Whether an owner still runs. A pid that was given away again is another process."""
    pid = owner.partition("-")[0]
    try:
        return pid.isdigit() and _owner(psutil.Process(int(pid))) == owner
    except psutil.Error:
        return False


def scratch_folder(owner: str) -> Path:
    """A new folder for files that go with the stage."""
    return Path(tempfile.mkdtemp(prefix=f"rehearse-{owner}-"))


def owners(client: Any | None) -> set[str]:
    """Everybody who owns something on this machine, in the engine `client` (None: there is none) or beside it."""
    found = {folder.name.removeprefix("rehearse-").rpartition("-")[0] for folder in _folders("")}
    found |= {owner for _, owner in _processes()}
    if client is not None:
        found |= {thing["Labels"][OWNER_LABEL] for thing in _things(client, OWNER_LABEL)}
    return {owner for owner in found if OWNER.fullmatch(owner)}


def belongings(client: Any | None, owner: str) -> list[str]:
    """What an owner has on this machine, in words."""
    words = [f"process {process.pid}" for process, own in _processes() if own == owner]
    words += [f"folder {folder}" for folder in _folders(owner)]
    if client is not None:
        for thing in _things(client, f"{OWNER_LABEL}={owner}"):
            words.append(f"{_kind(thing)} {_called(thing)}")
    return words


def dead_owners(client: Any | None) -> list[str]:
    """Owners that have ended and still own something."""
    return sorted(owner for owner in owners(client) if not alive(owner))


def remove(client: Any | None, owner: str, *, passes: int = EMPTY_PASSES) -> list[str]:
    """Removes everything of an owner's until `passes` looks in a row find nothing. Returns what stays, and why."""
    empty = 0
    stays: list[str] = []
    while empty < passes and not stays:
        found = _end_processes(owner) + _remove_folders(owner)
        if client is not None:
            stays = remove_labelled(client, f"{OWNER_LABEL}={owner}", passes=1)
        empty = 0 if found else empty + 1
        time.sleep(PAUSE if empty < passes else 0)
    return stays


def remove_labelled(client: Any, label: str, *, passes: int = EMPTY_PASSES) -> list[str]:
    """Removes what has a label from the engine until `passes` looks in a row find nothing, or nothing can be
    removed. Returns what stays, and why."""
    empty = 0
    while empty < passes:
        things = _things(client, label)
        stays = [problem for thing in things if (problem := _remove_thing(client, thing))]
        if stays and len(stays) == len(things):
            return stays
        empty = 0 if things else empty + 1
        time.sleep(PAUSE if empty < passes else 0)
    return []


@functools.cache
def stand_by() -> str:
    """Starts this process's watchdog, once, and returns the owner that it watches: call it before the first thing
    is made. It ends when this process does: at once after an ordinary end, and after cleaning behind any other."""
    owner = this_process()
    dog = subprocess.Popen(
        [sys.executable, "-I", __file__, owner],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd="/",
        env={name: value for name, value in os.environ.items() if name != OWNER_VARIABLE},
    )
    atexit.register(_call_off, dog)
    return owner


def _call_off(dog: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(BrokenPipeError):
        dog.communicate(DONE, timeout=10)


def _watch(owner: str) -> None:
    """Waits for the end of the pipe, then removes: also while the engine is away for a while."""
    if sys.stdin.buffer.read().endswith(DONE):
        return
    deadline = time.monotonic() + ENGINE_AWAY
    while time.monotonic() < deadline:
        client = _engine()
        stays = remove(client, owner)
        if client is not None and not stays:
            return
        if client is None and not _engine_is_used():
            return
        time.sleep(1)


def _engine() -> Any | None:
    import docker

    try:
        return docker.from_env(timeout=20)
    except (docker.errors.DockerException, OSError):
        return None


def _engine_is_used() -> bool:
    """Whether there may be an engine that is only away: its socket's folder has a Docker, or one was named."""
    return bool(os.environ.get("DOCKER_HOST")) or Path("/var/run/docker.sock").exists()


def _owner(process: psutil.Process) -> str:
    boot = Path("/proc/sys/kernel/random/boot_id")
    if not boot.exists():  # no Linux
        return f"{process.pid}-{int(process.create_time() * 100)}-0"
    try:  # in ticks since the boot: seconds of the wall clock move when the clock is set
        started = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        raise psutil.NoSuchProcess(process.pid) from None
    return f"{process.pid}-{started}-{boot.read_text()[:8]}"


def _end_processes(owner: str) -> int:
    mine = [process for process, own in _processes() if own == owner]
    for process in mine:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(mine, timeout=5)
    return len(mine)


def _remove_folders(owner: str) -> int:
    folders = list(_folders(owner))
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    return len(folders)


def _processes() -> Iterator[tuple[psutil.Process, str]]:
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            owner = process.environ().get(OWNER_VARIABLE)
            if owner:
                yield process, owner


def _folders(owner: str) -> Iterator[Path]:
    return Path(tempfile.gettempdir()).glob(f"rehearse-{owner}-*" if owner else "rehearse-*-*-*-*")


def _things(client: Any, label: str) -> list[dict[str, Any]]:
    wanted = {"label": label}
    return [
        *client.api.containers(all=True, filters=wanted),
        *client.api.networks(filters=wanted),
        *(client.api.volumes(filters=wanted)["Volumes"] or []),
        *client.api.images(all=True, filters=wanted),
    ]


def _kind(thing: dict[str, Any]) -> str:
    told = {"Names": "container", "Mountpoint": "volume", "RepoTags": "image"}
    return next((kind for field, kind in told.items() if field in thing), "network")


def _called(thing: dict[str, Any]) -> str:
    return str(
        next(iter(thing.get("Names") or thing.get("RepoTags") or []), thing.get("Name", thing.get("Id")))
    )


def _remove_thing(client: Any, thing: dict[str, Any]) -> str:
    import docker

    try:
        match _kind(thing):
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
        return f"{_kind(thing)} {_called(thing)}: {problem.explanation}"
    return ""


if __name__ == "__main__":
    _watch(sys.argv[1])
