"""The ground on which users and flows are tried: a stage that is used again as long as nothing was found on it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType

from harness.drive.attempts import Attempts
from harness.drive.play import Play
from harness.model.people import People, SyntheticUser
from harness.model.stage import Stage

ROOM_FOR_TRIES = 20_000


class Ground:
    """The stage that flows are played on, and users that no flow has had yet."""

    def __init__(
        self, play: Play, open_stage: Callable[[], AbstractContextManager[Stage]], people: People, first: int
    ) -> None:
        self.play, self.people = play, people
        self._open, self._next = open_stage, first
        self._held: AbstractContextManager[Stage] | None = None
        self._stage: Stage | None = None
        self.handed: set[str] = set()
        """The ids that were handed out for this stage: an effect for any other is a phantom."""

    def __enter__(self) -> Ground:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()

    @property
    def stage(self) -> Stage:
        """The stage, opened where there is none."""
        if self._stage is None:
            self._held = self._open()
            self._stage = self._held.__enter__()
        return self._stage

    def leave(self) -> None:
        """Closes the stage: the next flow gets a fresh one."""
        held, self._held, self._stage = self._held, None, None
        self.handed.clear()
        if held is not None:
            held.__exit__(None, None, None)

    def attempts(self) -> Attempts:
        """Single tries on this stage."""
        self._next += ROOM_FOR_TRIES
        found = Attempts(self.play, self.stage, self.people, self._next - ROOM_FOR_TRIES)
        found.used = self.handed
        return found

    def take(self, count: int) -> list[SyntheticUser]:
        """Users who have not been here."""
        start, self._next = self._next, self._next + count
        users = [self.people.twin(index) for index in range(start, start + count)]
        self.handed |= {user.id for user in users}
        return users

    @property
    def services(self) -> tuple[str, str]:
        """The batch, and what it calls ("" for nothing on this stage)."""
        known = self.play.scenario.services()
        fronted = [service.fronts.name for service in known.values() if service.fronts]
        batch = fronted[0] if fronted else list(known)[-1]
        called = [service.name for service in known[batch].calls if service.name in self.stage.services]
        return batch, called[0] if called else ""
