"""Progress on stderr: a line that changes on a terminal, a few lines in a log."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.status import Status
from rich.text import Text

from harness.cli.screen import has_room
from harness.report.text import inert

QUIET_EVERY = 5.0


class ProgressLine:
    """`say` shows what is going on now; `note` leaves a line that stays."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status: Status | None = None
        self._began = time.monotonic()
        self._last = 0.0

    def __enter__(self) -> ProgressLine:
        if self._console.is_terminal:
            self._status = self._console.status("")
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status is not None:
            self._status.stop()

    def say(self, text: str) -> None:
        """What is going on now."""
        now = time.monotonic()
        if self._status is not None:
            self._status.update(Text(self._stamped(text)))
        elif now - self._last > QUIET_EVERY:
            self._last = now
            self.note(text)

    def note(self, text: str) -> None:
        """A line that stays. A reader that does not read gets none: the rehearsal does not wait for it."""
        if has_room(self._console.file):
            self._console.print(Text(self._stamped(text)))

    def _stamped(self, text: str) -> str:
        return f"{time.monotonic() - self._began:6.1f} s  {inert(text)}"
