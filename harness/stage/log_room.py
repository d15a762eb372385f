"""Keeps the log files of processes small on disk, however much is written: the middle is given back to the disk.

head 1 MiB | a hole that reads as zeros and takes no room | tail 4 MiB and what was written since the last look
"""

from __future__ import annotations

import ctypes
import os
import threading
from pathlib import Path

from harness.stage.logs import HEAD, TAIL

EVERY = 0.2
ROOM = 16 * 2**20
KEEP_SIZE_AND_PUNCH_HOLE = 0x03


class LogRoom:
    """Looks at the logs in a folder five times a second until it is closed. Where the file system knows no holes, the
    files grow as they would without it."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._over = folder, threading.Event()
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._thread = threading.Thread(target=self._look, name="log room", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Looks no more."""
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(EVERY):
            for path in self._folder.glob("*.log"):
                self._make_room(path)

    def _make_room(self, path: Path) -> None:
        try:
            found = path.stat()
            if found.st_blocks * 512 <= ROOM:
                return
            handle = os.open(path, os.O_WRONLY)
        except OSError:  # it is gone
            return
        try:
            hole = ctypes.c_long(HEAD), ctypes.c_long(found.st_size - TAIL - HEAD)
            self._libc.fallocate(handle, KEEP_SIZE_AND_PUNCH_HOLE, *hole)
        finally:
            os.close(handle)
