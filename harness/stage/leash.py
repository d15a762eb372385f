"""This process's end of the pipe to its watchdog: it is started here, told what to look after, and called off."""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import subprocess
import sys

from harness.stage import watchdog
from harness.stage.watchdog import DONE, ENGINE, OWNER_VARIABLE, this_process

_unfinished = False
_dog: subprocess.Popen[bytes] | None = None


@functools.cache
def stand_by() -> str:
    """Starts this process's watchdog, once, and returns the owner that it watches: call it before the first thing
    is made. It ends when this process does: at once after an ordinary end, and after cleaning behind any other.
    Every process that is started from now on inherits the owner, whoever starts it."""
    global _dog
    owner = this_process()
    null = subprocess.DEVNULL
    _dog = dog = subprocess.Popen(
        [sys.executable, "-I", watchdog.__file__, owner],
        stdin=subprocess.PIPE,
        stdout=null,
        stderr=null,
        start_new_session=True,
        cwd="/",
        env={name: value for name, value in os.environ.items() if name != OWNER_VARIABLE},
    )
    assert dog.stdin is not None
    os.register_at_fork(after_in_child=dog.stdin.close)  # a child that lives on would hold the pipe open
    os.environ[OWNER_VARIABLE] = owner
    atexit.register(_call_off, dog)
    return owner


def look_into_the_engine() -> str:
    """Tells the watchdog that things are about to be made in the engine. Returns the owner of them."""
    owner = stand_by()
    if _dog is not None and _dog.stdin is not None and not _dog.stdin.closed:
        with contextlib.suppress(BrokenPipeError):
            _dog.stdin.write(ENGINE)
            _dog.stdin.flush()
    return owner


def leave_the_rest() -> None:
    """Something could not be removed now: the watchdog goes on trying once this process has ended."""
    global _unfinished
    _unfinished = True


def something_is_left() -> bool:
    """Whether the watchdog has still to remove something."""
    return _unfinished


def _call_off(dog: subprocess.Popen[bytes]) -> None:
    assert dog.stdin is not None
    with contextlib.suppress(BrokenPipeError, subprocess.TimeoutExpired):
        if _unfinished:
            dog.stdin.close()
        else:
            dog.communicate(DONE, timeout=10)
