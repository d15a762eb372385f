"""A stage that may be used up: opened when it is needed, replaced when something has been done on it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from types import TracebackType

from harness.drive.performance import Performance
from harness.drive.play import Play
from harness.model.stage import Stage


class Bench:
    """At most one stage at a time, with all users put in. What is refused leaves it clean, what is taken does not."""

    def __init__(self, play: Play, open_stage: Callable[[], AbstractContextManager[Stage]]) -> None:
        self.play, self._open = play, open_stage
        self._stack = ExitStack()
        self._on: Performance | None = None
        self.used = False
        self.opened = 0

    def __enter__(self) -> Bench:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def here(self) -> Performance:
        """The stage as it is; a new one where there is none, or where a service of it has ended."""
        if self._on is not None and self._on.ended():
            self._close()
        if self._on is None:
            self._on = Performance(self.play, self._stack.enter_context(self._open()))
            self.opened += 1
            self._on.seed(len(self.play.users))
        return self._on

    def clean(self) -> Performance:
        """A stage on which nothing has been done."""
        if self.used:
            self._close()
        return self.here()

    def _close(self) -> None:
        on, self._on, self.used = self._on, None, False
        try:
            if on is not None:
                on.keep_logs("edges")
        finally:
            self._stack.close()
