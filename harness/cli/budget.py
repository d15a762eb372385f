"""The clock of a rehearsal: the time budget around all of it, and within that one deadline for each phase.

    budget ── 2 s ─▶ ends what goes on (OutOfTime), and the stage is taken down ── 8 s ─▶ breaks that off as well,
    again and again until it is over: the watchdog removes what is left. Then the report is written.

A phase that is late is ended in the same way at its own deadline (`harness.model.phases`), and the rehearsal with it.
Inside the phases the single things have their bounds: `Service.ready_within` of each service, `Scenario.begins`,
`patience` and `quiet` of a press, 60 s or the scenario's `timeout` of a request.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType

import click

from harness.errors import TimeBudgetSpent, where_in
from harness.model.phases import PHASES, limits
from harness.model.stage import OpenStage, Stage
from harness.stage.leash import leave_the_rest

GRACE = 2.0
"""So long after its end a press that waits for the batch may tell by itself what it saw."""
TAKING_DOWN = 8.0
"""So long after that a stage is cleared away undisturbed."""
LATER = 0.5
REPORTING = 4.0
"""So long after that, at most, the reports are written: 15 s behind the budget all is over."""
WHOLE, TEARDOWN = "", "teardown"
WITHIN = click.option(
    "--within",
    metavar="PHASE=TIME,...",
    default="",
    help=f"The longest that a phase may take, such as build=10m,seed=90s; the phases: {', '.join(PHASES)}."
    "  [default: see docs/results.md]",
)
"""The option of the commands that rehearse."""


def for_the_report(deadline: float, within: Mapping[str, float]) -> Alarm:
    """The clock of what comes after a rehearsal with that deadline."""
    return Alarm(deadline + TAKING_DOWN + REPORTING, within)


@dataclass
class Entered:
    """A phase that is entered (WHOLE: the rehearsal), its limit, when the alarm rings for it next, when it began."""

    name: str
    limit: float
    due: float
    began: float = field(default_factory=time.monotonic)
    late: OutOfTime | None = None


class OutOfTime(BaseException):
    """A phase is `late`, or the time budget is spent. A BaseException, so that no `except Exception` keeps it."""

    def __init__(self, late: Entered, inside: Entered) -> None:
        super().__init__(late.name)
        self._late, self._inside = late, inside
        self._lasted = time.monotonic() - inside.began

    def told(self, source: Path | None = None) -> TimeBudgetSpent:
        """What a person is told of it, with the line of the scenario that it was at."""
        notes = [] if source is None or (line := where_in(source, self)) == str(source) else [f"at {line}"]
        there = "".join(f"; {note}" for note in [*notes, *getattr(self, "__notes__", [])])
        return self._of_phase(there) if self._late.name else self._of_budget(there)

    def _of_phase(self, there: str) -> TimeBudgetSpent:
        name, limit, phase = self._late.name, f"{round(self._late.limit, 2):,g} s", PHASES[self._late.name]
        return TimeBudgetSpent(
            f"{phase.doing} (phase {name}) was not over after {limit}, and was ended{there}",
            expected=f"that it takes no longer than {limit}",
            cause=phase.cause,
            fix=f"{phase.look}; where it may take longer: --within {name}=<duration>, and a --budget for it",
        )

    def _of_budget(self, there: str) -> TimeBudgetSpent:
        phase = PHASES.get(self._inside.name)
        more = "give a larger --budget, fewer --scales, or fewer --probes"
        doing = f", {phase.doing} (phase {self._inside.name}) for {self._lasted:,.0f} s" if phase else ""
        return TimeBudgetSpent(
            f"the time budget is spent{doing}{there}",
            expected="a rehearsal that comes to an end within it",
            cause=phase.cause if phase else "a service hangs, or the batch needs longer than the budget",
            fix=f"{phase.look}; or {more}" if phase else more,
        )


class Alarm:
    """Raises OutOfTime in the main thread once the deadline (monotonic clock) is past, or that of a phase: once, and
    not while a stage that was opened through `sparing` is being cleared away; but where what comes of it takes too
    long, again and again. Whoever keeps an OutOfTime gets it back at the end of the phase.

    `within` are the limits of phases that are asked for, `source` is the scenario's file."""

    def __init__(
        self, deadline: float, within: Mapping[str, float] | None = None, source: Path | None = None
    ) -> None:
        budget = max(0.0, deadline - time.monotonic())
        self._limits, self._source = limits(budget, within or {}), source
        self._deadline, self._last = deadline, deadline + GRACE + TAKING_DOWN
        self._entered = [Entered(WHOLE, budget, deadline + GRACE)]
        self._rung = False

    def __enter__(self) -> Alarm:
        self._before = signal.signal(signal.SIGALRM, self._ring)
        self._set()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self._before)
        late = problem or self._entered[0].late
        if isinstance(late, OutOfTime):
            raise late.told(self._source) from None

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """A phase from its beginning to its end. Those of other threads are not clocked: the main thread waits for
        them, in a phase of its own."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        limit = self._limits[name]
        due = time.monotonic() + limit
        entered = Entered(name, limit, due if due < self._deadline else self._last)
        self._entered.append(entered)
        self._set()
        try:
            yield
        finally:
            self._entered.remove(entered)
            self._set()
        if entered.late:
            raise entered.late

    def sparing(self, open_stage: OpenStage) -> OpenStage:
        """Stages that come up in a phase, and are cleared away in one that the end of no other disturbs."""

        @contextmanager
        def opened(tapped: Collection[str] = ()) -> Iterator[Stage]:
            stage = open_stage(tapped)
            with self.phase("up"):
                inside = stage.__enter__()
            try:
                yield inside
            except BaseException as problem:
                with self.phase(TEARDOWN):
                    if not stage.__exit__(type(problem), problem, problem.__traceback__):
                        raise
            else:
                with self.phase(TEARDOWN):
                    stage.__exit__(None, None, None)

        return opened

    def _heard(self) -> list[Entered]:
        """The phases whose end counts now: all, or those from the last taking down on."""
        entered = list(self._entered)
        downs = [place for place, one in enumerate(entered) if one.name == TEARDOWN]
        return entered[downs[-1] :] if downs else entered

    def _set(self) -> None:
        due = min(one.due for one in self._heard())
        signal.setitimer(signal.ITIMER_REAL, max(0.001, due - time.monotonic()))

    def _ring(self, number: int, frame: FrameType | None) -> None:
        now, heard = time.monotonic(), self._heard()
        late = next((one for one in heard if one.due <= now), None)
        if late is None:  # it has ended meanwhile
            self._set()
            return
        again = self._rung or late.name == TEARDOWN
        self._rung = True
        for one in self._entered:  # what comes of this end is given its time as well
            one.due = max(one.due, now + LATER if again else min(now + TAKING_DOWN, self._last))
        self._set()
        leave_the_rest()  # it may have struck where something was being removed; nor is any thread waited for
        late.late = OutOfTime(late, heard[-1])
        raise late.late
