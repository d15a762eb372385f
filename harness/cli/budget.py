"""The end of the time budget, wherever the rehearsal is: also where a service does not get ready, or answer."""

from __future__ import annotations

import signal
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType

from harness.errors import TimeBudgetSpent
from harness.model.stage import OpenStage, Stage

GRACE = 2.0
"""So long after its end a press that waits for the batch may tell by itself what it saw."""
LATER = 0.5


class OutOfTime(BaseException):
    """The time budget is spent. A BaseException, so that no `except Exception` keeps it."""


class Alarm:
    """Raises OutOfTime in the main thread once the deadline (monotonic clock) is past: once, and not while a stage
    that was opened through `sparing` is being cleared away."""

    def __init__(self, deadline: float) -> None:
        self._deadline, self._closing, self._rung = deadline, 0, False

    def __enter__(self) -> Alarm:
        self._before = signal.signal(signal.SIGALRM, self._ring)
        signal.setitimer(signal.ITIMER_REAL, max(0.001, self._deadline + GRACE - time.monotonic()))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self._before)
        if isinstance(problem, OutOfTime):
            raise TimeBudgetSpent(
                "the time budget is spent",
                expected="a rehearsal that comes to an end within it",
                cause="a service hangs, or the batch needs longer than the budget",
                fix="give a larger --budget, fewer --scales, or fewer --probes",
            ) from None

    def sparing(self, open_stage: OpenStage) -> OpenStage:
        """Stages that are cleared away undisturbed."""

        @contextmanager
        def opened(tapped: Collection[str] = ()) -> Iterator[Stage]:
            stage = open_stage(tapped)
            inside = stage.__enter__()
            try:
                yield inside
            except BaseException as problem:
                with self._left_alone():
                    if not stage.__exit__(type(problem), problem, problem.__traceback__):
                        raise
            else:
                with self._left_alone():
                    stage.__exit__(None, None, None)

        return opened

    @contextmanager
    def _left_alone(self) -> Iterator[None]:
        self._closing += 1
        try:
            yield
        finally:
            self._closing -= 1

    def _ring(self, number: int, frame: FrameType | None) -> None:
        if self._rung:
            return
        if self._closing:
            signal.setitimer(signal.ITIMER_REAL, LATER)
            return
        self._rung = True
        raise OutOfTime
