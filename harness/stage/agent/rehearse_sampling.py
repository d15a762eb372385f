"""A tracking window that looks a third of the time: memray's hook into every Python call is on in short slices.

The hook is what a window costs: it doubles the CPU of a busy service. memray follows every free without it, so what
was born in a slice is known to live on or to have died whenever that happens; what is born between two slices is
recorded without a line. The slices fall at random, so that no rhythm of the service hides between them.

Standard library only, Python 3.8 and later.
"""

from __future__ import annotations

import collections
import ctypes
import gc
import itertools
import random
import sys
import threading
from typing import Any, Callable, Optional

ON = 0.02
OFF = (0.02, 0.06)
WORDS_OF_A_THREAD_STATE = 24

SetProfile = Callable[[Optional[Any]], None]


class Slices(threading.Thread):
    """Switches the hook of the tracker that has just begun, until `end`."""

    def __init__(self, set_profile: SetProfile, begin_thread: Any) -> None:
        super().__init__(name="rehearse-slices", daemon=True)
        self._set_profile = set_profile
        self._begin_thread = begin_thread
        self._over = threading.Event()
        self._chance = random.Random()

    def run(self) -> None:
        """Off and on, in turn."""
        while not self._over.wait(ON):
            self._set_profile(None)
            if self._over.wait(self._chance.uniform(*OFF)):
                break
            self._set_profile(self._begin_thread)

    def end(self) -> None:
        """Returns once nothing is switched any more, and the hook is off."""
        self._over.set()
        self.join()
        self._set_profile(None)


def in_slices() -> Slices | None:
    """Begins to switch, right after a tracker has begun. None where this Python or memray cannot: all is tracked."""
    set_profile = getattr(threading, "setprofile_all_threads", None) or _through_thread_states()
    begin_thread = getattr(sys.modules["memray._memray"], "start_thread_trace", None)
    if set_profile is None or begin_thread is None:
        return None
    slices = Slices(set_profile, begin_thread)
    slices.start()
    return slices


def switch_off_here() -> None:
    """For a forked child, which inherits the hook and not the tracker."""
    threading.setprofile(None)
    sys.setprofile(None)


def _through_thread_states() -> SetProfile | None:
    """`threading.setprofile_all_threads` for Python 3.9 to 3.11, as memray does it: over the thread states of C.

    No thread may come or go while they are walked, so the walk is one call into C that never gives up the GIL: the
    iterators and the functions of `pythonapi` run no bytecode, and no collection may begin there. The C function that
    calls a Python one is not exported; it is read from our own thread state, two words before the one that it calls.
    """
    api = ctypes.pythonapi
    pointer = ctypes.c_void_p
    try:
        first, following, put = (
            api.PyInterpreterState_ThreadHead,
            api.PyThreadState_Next,
            api._PyEval_SetProfile,
        )
        own, interpreter = api.PyThreadState_Get, api.PyInterpreterState_Get
    except AttributeError:
        return None
    for function, takes in ((own, 0), (interpreter, 0), (first, 1), (following, 1), (put, 3)):
        function.restype, function.argtypes = pointer, [pointer] * takes
    put.restype = ctypes.c_int
    caller = _caller_of_python(own())
    if caller is None:
        return None
    here = interpreter()

    def set_profile(function: Any | None) -> None:
        threading.setprofile(function)
        heads = itertools.chain(map(first, (here,)), itertools.repeat(None))
        states = itertools.takewhile(bool, itertools.accumulate(heads, following))
        pair = (None, None) if function is None else (caller, id(function))
        collects = gc.isenabled()
        gc.disable()
        collections.deque(map(put, states, *map(itertools.repeat, pair)), 0)
        if collects:
            gc.enable()

    return set_profile


def _caller_of_python(state: int) -> int | None:
    def marker(*_: object) -> None: ...

    before = sys.getprofile()
    sys.setprofile(marker)
    words = list((ctypes.c_size_t * WORDS_OF_A_THREAD_STATE).from_address(state))
    sys.setprofile(before)
    return words[words.index(id(marker)) - 2] if id(marker) in words else None
