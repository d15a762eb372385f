"""What rehearsals have left on this machine: whose it is, and whether its owner still lives."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import psutil

from harness.stage.labels import DEADLINE_LABEL, LEASE, PLACE_LABEL, place
from harness.stage.watchdog import (
    OWNER,
    OWNER_LABEL,
    called,
    family,
    folders,
    kind,
    owner_of,
    processes,
    things,
)


def alive(owner: str) -> bool:
    """Whether an owner still runs. A pid that was given away again is another process, and one that was killed and
    that its parent has not yet taken note of runs no more."""
    pid = owner.partition("-")[0]
    try:
        process = psutil.Process(int(pid)) if pid.isdigit() else None
        if process is None or process.status() == psutil.STATUS_ZOMBIE:
            return False
        return owner_of(process) == owner
    except psutil.Error:
        return False


def owners(client: Any | None) -> set[str]:
    """Everybody who owns something on this machine, in the engine `client` (None: there is none) or beside it."""
    return {owner for owner, _ in _claims(client) if OWNER.fullmatch(owner)}


def belongings(client: Any | None, owner: str) -> list[str]:
    """What an owner has on this machine, in words."""
    words = [f"process {process.pid}" for process in family(owner)]
    words += [f"folder {folder}" for folder in folders(owner)]
    if client is not None:
        found = things(client, f"{OWNER_LABEL}={owner}")
        words += [f"{kind(thing)} {called(thing)}" for thing in found]
    return words


def dead_owners(client: Any | None) -> list[str]:
    """Owners that have ended and still own something. One in another place (a container beside this one that uses the
    same engine) cannot be asked: it counts as dead once everything of its is past its deadline."""
    spared: dict[str, float] = {}
    for owner, elsewhere_until in _claims(client):
        spared[owner] = max(spared.get(owner, 0.0), elsewhere_until)
    return sorted(
        owner
        for owner, until in spared.items()
        if OWNER.fullmatch(owner) and not alive(owner) and until < time.time()
    )


def _claims(client: Any | None) -> Iterator[tuple[str, float]]:
    """(owner, 0) of everything that has an owner; instead of 0 its deadline where the owner is elsewhere."""
    mine = place()
    for folder in folders(""):
        yield folder.name.removeprefix("rehearse-").rpartition("-")[0], 0.0
    for process, owner in processes():
        with contextlib.suppress(psutil.Error, OSError):
            yield owner, 0.0 if place(process.pid) == mine else process.create_time() + LEASE
    for thing in things(client, OWNER_LABEL) if client is not None else []:
        told = thing["Labels"]
        here = told.get(PLACE_LABEL, mine) == mine
        yield told[OWNER_LABEL], 0.0 if here else float(told.get(DEADLINE_LABEL) or 0)
