"""The end of the time budget, wherever the rehearsal is: also where a service does not get ready, or answer.

Each phase has a bound of its own on the monotonic clock, and this one is around them all:

    getting up     Service.ready_within, of each service           taking down    5 s for a polite end, then by force
    a press        Scenario.begins, patience, quiet                a request      60 s, or the scenario's `timeout`

    budget ── 2 s ─▶ ends what goes on (OutOfTime), and the stage is taken down ── 8 s ─▶ breaks that off as well,
    again and again until it is over: the watchdog removes what is left. Then the report is written.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType

from harness.errors import TimeBudgetSpent
from harness.model.stage import OpenStage, Stage
from harness.stage.watchdog import leave_the_rest

GRACE = 2.0
"""So long after its end a press that waits for the batch may tell by itself what it saw."""
TAKING_DOWN = 8.0
"""So long after that a stage is cleared away undisturbed."""
LATER = 0.5


class OutOfTime(BaseException):
    """The time budget is spent. A BaseException, so that no `except Exception` keeps it."""


def spent() -> TimeBudgetSpent:
    """What a person is told of it."""
    return TimeBudgetSpent(
        "the time budget is spent",
        expected="a rehearsal that comes to an end within it",
        cause="a service hangs, or the batch needs longer than the budget",
        fix="give a larger --budget, fewer --scales, or fewer --probes",
    )


class Alarm:
    """Raises OutOfTime in the main thread once the deadline (monotonic clock) is past: once, and not while a stage
    that was opened through `sparing` is being cleared away; but where that takes too long, again and again."""

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
            raise spent() from None

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
        left = self._deadline + GRACE + TAKING_DOWN - time.monotonic()
        signal.setitimer(signal.ITIMER_REAL, LATER if self._closing or left <= 0 else left)
        if left <= 0:
            leave_the_rest()
            raise OutOfTime
        if not self._closing and not self._rung:
            self._rung = True
            raise OutOfTime
