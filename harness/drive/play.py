"""A scenario to be played, and what is told of a mistake in its own code, wherever that is called."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from harness.drive.messages import UnexpectedAnswer
from harness.drive.pressing import Pace
from harness.errors import CannotTell, HarnessError, UsageError, where_in
from harness.model.people import SyntheticUser
from harness.model.phases import Enter, unbounded
from harness.model.record import RecordWriter
from harness.model.scenario import Progress, Scenario


@dataclass(frozen=True)
class Play:
    """What does not change from stage to stage: the scenario and its file, the users, the end of the time budget
    (monotonic clock), the record, and where progress is told. `pace` learns how long the batch needs to begin, and
    `phase` enters a phase of the rehearsal: its clock is kept."""

    scenario: Scenario
    source: Path
    users: Sequence[SyntheticUser]
    deadline: float
    record: RecordWriter
    say: Callable[[str], None]
    pace: Pace = field(default_factory=Pace)
    phase: Enter = unbounded


class Watcher(Protocol):
    """Is told how far the batch is while a trigger is pressed."""

    def working(self, progress: Progress) -> None:
        """The batch is at work; it goes on once this returns."""

    def resting(self, progress: Progress) -> None:
        """The batch rests."""


class ServiceGone(HarnessError):
    """A service that is needed has ended by itself."""


@contextmanager
def calling(hook: str, source: Path, stage: str) -> Iterator[None]:
    """Around the scenario's own code: a mistake in it is told as a UsageError, with its line."""
    try:
        yield
    except UnexpectedAnswer as problem:
        seen = f"{where_in(source, problem)}: {hook}: {problem.seen}"
        raise UsageError(seen, expected=problem.expected, fix=problem.fix) from problem
    except HarnessError:
        raise
    except NotImplementedError as problem:
        raise CannotTell(
            f"{where_in(source, problem)}: {hook} is still to be written: {problem or 'NotImplementedError'}",
            expected="a scenario in which everything marked FILL IN is written",
            fix="write it; the services came up, so the rest of the scenario stands",
        ) from problem
    except (Exception, SystemExit) as problem:  # sys.exit(0) in a scenario is no verdict
        raise mistake(hook, source, stage, problem) from problem


def mistake(hook: str, source: Path, stage: str, problem: BaseException) -> UsageError:
    """What the scenario's author is told of what their code raised."""
    return UsageError(
        f"{where_in(source, problem)}: {hook} raised {type(problem).__name__}: {problem}",
        expected=f"a {hook} that works on this stage ({stage})",
        fix="mend that line",
    )
