"""On a stage that others use as well: what of it is ours, and how far its batch was before us."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from harness.errors import EnvironmentProblem
from harness.model.people import SyntheticUser
from harness.model.scenario import Effect, Outcome, Progress

Row = TypeVar("Row", Outcome, Effect)


class Guests:
    """Our users among others'. What is told of items that are none of ours is left out."""

    def __init__(self, users: Sequence[SyntheticUser]) -> None:
        self._ids = {user.id for user in users}
        self._before = Progress(0, 0, running=False)

    def arrived(self, progress: Progress) -> None:
        """How far the batch was when our users were put in. Raises EnvironmentProblem where it is at work already:
        what it then does could not be told from what we start."""
        if progress.running:
            raise EnvironmentProblem(
                "the batch is at work already, for somebody else",
                expected="a batch at rest",
                fix="wait until it is done, then rehearse again",
            )
        self._before = progress

    def ours(self, rows: Iterable[Row]) -> list[Row]:
        """The rows about our users; a row that is no row at all is kept, and told by whoever reads it."""
        return [row for row in rows if getattr(row, "item", None) in self._ids or not hasattr(row, "item")]

    def since(self, progress: Progress) -> Progress:
        """The progress without what was done before we came."""
        done, failed = progress.done - self._before.done, progress.failed - self._before.failed
        return Progress(max(0, done), max(0, failed), progress.running)
