"""What the harness itself got of the CPU: who had to wait for one measures the machine, not the batch."""

from __future__ import annotations

import time
from pathlib import Path
from types import TracebackType

from harness.model.events import HarnessShare


def waited() -> float:
    """Seconds that the main thread wanted a CPU and had none, since it began; 0 where the kernel does not tell."""
    try:
        return int(Path("/proc/self/schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0


class OwnShare:
    """What the main thread used and waited for while its `with` lasted."""

    def __enter__(self) -> OwnShare:
        self._began, self._cpu, self._waited = time.monotonic(), time.thread_time(), waited()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.seen = HarnessShare(
            seconds=round(time.monotonic() - self._began, 3),
            cpu=round(time.thread_time() - self._cpu, 3),
            waited=round(waited() - self._waited, 3),
        )
