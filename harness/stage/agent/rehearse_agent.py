"""The memory agent: answers questions about this process's heap on a socket `<pid>.sock`, one line of JSON each.

    ping            {"pid": ..., "python": "3.12"}
    gc              collects garbage
    trim            collects, and gives free heap back to the kernel
    heap            collects, then tells the live bytes: {"live": n} (null where this libc or Python cannot tell)
    track           begins a memray capture in `<pid>.capture` that knows the lines in slices of time
    track python    begins one that knows them all, and traces small objects one by one
    untrack         ends it

Standard library only, Python 3.8 and later. Forked children open sockets of their own.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import re
import socket
import sys
import threading
from typing import Any, Callable

import rehearse_sampling

_CLASS = re.compile(rb"^\s*\d+\s+(\d+)\s+\d+\s+(\d+)\s+\d+\s*$", re.M)
_folder = ""
_tracker: Any = None
_slices: rehearse_sampling.Slices | None = None


class _Mallinfo2(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            "arena",
            "ordblks",
            "smblks",
            "hblks",
            "hblkhd",
            "usmblks",
            "fsmblks",
            "uordblks",
            "fordblks",
            "keepcost",
        )
    ]


def start(folder: str) -> None:
    """Serves this process, and every child it forks."""
    global _folder
    _folder = folder
    _serve()
    os.register_at_fork(after_in_child=_after_fork)


def _after_fork() -> None:
    global _tracker, _slices
    if _tracker is not None:  # a capture belongs to the process that began it
        _tracker = _slices = None
        rehearse_sampling.switch_off_here()
    _serve()


def _serve() -> None:
    path = os.path.join(_folder, "%d.sock" % os.getpid())
    try:
        os.unlink(path)
    except OSError:
        pass
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    os.chmod(path, 0o666)
    listener.listen(1)
    threading.Thread(target=_answer_all, args=(listener,), name="rehearse-agent", daemon=True).start()


def _answer_all(listener: socket.socket) -> None:
    while True:
        connection, _ = listener.accept()
        with connection, connection.makefile("rwb") as stream:
            try:
                for line in stream:
                    stream.write(json.dumps(_answer(line.decode().split())).encode() + b"\n")
                    stream.flush()
            except OSError:
                continue  # the one who asked has gone


def _answer(words: list[str]) -> dict[str, object]:
    try:
        return _COMMANDS[words[0]](*words[1:])
    except Exception as problem:  # noqa: BLE001  # the one who asked is told
        return {"error": repr(problem)}


def _ping() -> dict[str, object]:
    return {"pid": os.getpid(), "python": "%d.%d" % sys.version_info[:2]}


def _gc() -> dict[str, object]:
    return {"collected": gc.collect()}


def _trim() -> dict[str, object]:
    gc.collect()
    return {"trimmed": _libc.malloc_trim(0)}


def _heap() -> dict[str, object]:
    gc.collect()
    try:
        return {"live": _malloc_bytes() + _pymalloc_bytes(), "blocks": sys.getallocatedblocks()}
    except (AttributeError, OSError):  # another libc, or a Python that hides the figures
        return {"live": None, "blocks": sys.getallocatedblocks()}


def _malloc_bytes() -> int:
    told = _libc.mallinfo2()
    return int(told.uordblks + told.hblkhd)


def _pymalloc_bytes() -> int:
    """Bytes of small objects: pymalloc's own table, written to memory and not to the service's stderr."""
    memory = os.memfd_create("rehearse")
    try:
        stream = _libc.fdopen(os.dup(memory), b"w")
        ctypes.pythonapi._PyObject_DebugMallocStats(stream)
        _libc.fclose(stream)
        text = os.pread(memory, 1 << 20, 0)
    finally:
        os.close(memory)
    return sum(int(size) * int(used) for size, used in _CLASS.findall(text))


def _declare() -> ctypes.CDLL:
    """Once, because each declaration makes objects, and the heap that is measured is our own as well."""
    libc = ctypes.CDLL(None)
    try:
        libc.mallinfo2.restype = _Mallinfo2
        libc.fdopen.restype, libc.fdopen.argtypes = ctypes.c_void_p, [ctypes.c_int, ctypes.c_char_p]
        libc.fclose.argtypes = [ctypes.c_void_p]
        tell = ctypes.pythonapi._PyObject_DebugMallocStats
        tell.argtypes, tell.restype = [ctypes.c_void_p], ctypes.c_int
    except AttributeError:
        pass  # another libc, or another Python: `heap` then tells null
    return libc


_libc = _declare()


def _memray() -> Any:
    """The service's own memray, else the one mounted beside the agent, whose path is last and hides nothing."""
    extra = os.environ.get("REHEARSE_AGENT_CAPTURE")
    if extra and extra not in sys.path:
        sys.path.append(extra)
        try:
            import memray
        finally:
            sys.path.remove(extra)
    else:
        import memray
    return memray


def _track(how: str = "") -> dict[str, object]:
    global _tracker, _slices
    if _tracker is not None:
        return {"error": "a capture is running"}
    path = os.path.join(_folder, "%d.capture" % os.getpid())
    memray = _memray()
    _tracker = memray.Tracker(
        destination=memray.FileDestination(path, overwrite=True),
        native_traces=False,
        trace_python_allocators=how == "python",
    )
    _tracker.__enter__()
    if how != "python":  # there a slice would count the frames that its own hook makes
        _slices = rehearse_sampling.in_slices()
    return {"tracking": path, "in_slices": _slices is not None}


def _untrack() -> dict[str, object]:
    global _tracker, _slices
    if _tracker is None:
        return {"error": "no capture is running"}
    if _slices is not None:
        _slices.end()
        _slices = None
    gc.collect()  # what is garbage by now was not kept
    _tracker.__exit__(None, None, None)
    _tracker = None
    return {"tracking": None}


_COMMANDS: dict[str, Callable[..., dict[str, object]]] = {
    "ping": _ping,
    "gc": _gc,
    "trim": _trim,
    "heap": _heap,
    "track": _track,
    "untrack": _untrack,
}
