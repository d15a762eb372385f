"""Everything the harness may raise on purpose.

Each error carries the four things a reader needs: what was seen, what was expected, the likely cause, and what
to do. The class says which exit code the command ends with.
"""

from __future__ import annotations

import traceback
from pathlib import Path


class HarnessError(Exception):
    """The harness cannot go on.

    seen      what happened, with names and numbers
    expected  what should have been there instead
    cause     the likely reason, if one is known
    fix       what the reader can do now
    """

    exit_code = 4

    def __init__(self, seen: str, *, expected: str = "", cause: str = "", fix: str = "") -> None:
        super().__init__(seen)
        self.seen, self.expected, self.cause, self.fix = seen, expected, cause, fix

    def __str__(self) -> str:
        rows = [
            ("", self.seen),
            ("expected: ", self.expected),
            ("likely cause: ", self.cause),
            ("fix: ", self.fix),
        ]
        return "\n  ".join(label + text for label, text in rows if text)


class UsageError(HarnessError):
    """The command or the scenario file is wrong (exit 2)."""

    exit_code = 2


class CannotTell(HarnessError):
    """What is there does not allow an answer: runs that cannot be compared, a damaged baseline (exit 3)."""

    exit_code = 3


class EnvironmentProblem(HarnessError):
    """The engine, an image, a port, a service or the disk is not as needed (exit 5)."""

    exit_code = 5


class RecordFull(BaseException):
    """The record has reached its largest size; `told` says so to a person. A BaseException, so that nobody takes it
    for what a service or a scenario did: the rehearsal ends, as what it sees can no longer be kept."""

    def __init__(self, told: EnvironmentProblem) -> None:
        super().__init__(told.seen)
        self.told = told


class EngineGone(EnvironmentProblem):
    """The container engine went away while a stage was up: what was seen since says nothing of the services."""


class Refused(HarnessError):
    """It would reach out of the rehearsal, and nobody has allowed that by name (exit 6). Nothing has been sent."""

    exit_code = 6


class LeftBehind(HarnessError):
    """Something that was started could not be removed (exit 7)."""

    exit_code = 7


class TimeBudgetSpent(HarnessError):
    """A phase reached its deadline (exit 124)."""

    exit_code = 124


def where_in(source: Path, problem: BaseException) -> str:
    """`file:line` of the innermost place in `source` that a problem passed through."""
    if isinstance(problem, SyntaxError) and problem.filename == str(source):
        return f"{source}:{problem.lineno}"
    lines = [
        frame.lineno for frame in traceback.extract_tb(problem.__traceback__) if frame.filename == str(source)
    ]
    return f"{source}:{lines[-1]}" if lines else str(source)
