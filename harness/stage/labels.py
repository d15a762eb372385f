"""The labels of everything that a rehearsal makes in the engine: whose it is, and how long it may stay."""

from __future__ import annotations

import time
from pathlib import Path

from harness.stage.leash import look_into_the_engine
from harness.stage.watchdog import OWNER_LABEL

STAGE_LABEL = "rehearse.stage"
DEADLINE_LABEL = "rehearse.deadline"
PLACE_LABEL = "rehearse.place"
LEASE = 24 * 3600.0

_lease = LEASE


def lease(seconds: float) -> None:
    """How long this process will need its things at most."""
    global _lease
    _lease = seconds


def labels() -> dict[str, str]:
    """What everything in the engine carries: who owns it, and until when at most where nobody can ask the owner.
    Call it before the first thing is made: from now on the watchdog looks into the engine too."""
    return {
        OWNER_LABEL: look_into_the_engine(),
        PLACE_LABEL: place(),
        DEADLINE_LABEL: str(int(time.time() + _lease)),
    }


def place(pid: int | str = "self") -> str:
    """Where the pid of an owner means something: this boot of this machine, and a pid namespace. Two containers with
    one engine may both have a process 7."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    if not boot.exists():  # no Linux
        return "0"
    return f"{boot.read_text()[:8]}-{Path(f'/proc/{pid}/ns/pid').stat().st_ino:x}"
