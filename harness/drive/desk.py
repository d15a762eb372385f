"""The desk where the button stands: several people may press it, and somebody may pull a plug."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from harness.drive.performance import Performance
from harness.drive.play import Play
from harness.drive.pressing import Press
from harness.model.scenario import Effect, Outcome, Progress, Trigger
from harness.model.stage import Stage


class Desk:
    """One fresh stage with the first `users` users put in, but for the last of them, who are `held_back` until they
    `come_in`. Every admin has a browser of their own."""

    def __init__(self, play: Play, stage: Stage, trigger: Trigger, users: int, held_back: int = 0) -> None:
        self._play, self._stage, self._trigger, self.users = play, stage, trigger, users
        self._present = users - held_back
        self._watch = Performance(play, stage)
        self._watch.seed(self._present)
        self.patience, self.quiet = self._watch.patience, self._watch.quiet

    def admin(self) -> Callable[[], Press]:
        """Somebody new, logged in already: each call presses the button and waits until the batch is idle."""
        hand = Performance(self._play, self._stage)
        hand.now()
        return lambda: hand.press(self._trigger, self._present)

    def come_in(self) -> int:
        """Puts in the users who were held back, and says how many they are."""
        late = self._play.users[self._present : self.users]
        Performance(replace(self._play, users=late), self._stage).seed(len(late))
        self._present = self.users
        return len(late)

    def progress(self) -> Progress:
        """How far the batch is."""
        return self._watch.now()

    def outcomes(self) -> Iterable[Outcome]:
        """What the batch says became of each item."""
        return self._watch.outcomes()

    def effects(self) -> Iterable[Effect] | None:
        """What the downstream did."""
        return self._watch.effects()

    def kill(self, service: str) -> None:
        """Ends a service as a power cut would."""
        self._stage.services[service].kill()

    def revive(self, service: str) -> None:
        """Starts it again on the same data. Raises EnvironmentProblem where it does not come up."""
        self._stage.services[service].revive()
        self._watch = Performance(self._play, self._stage)

    def freeze(self, service: str) -> None:
        """Stops a service in its tracks."""
        self._stage.services[service].freeze()

    def thaw(self, service: str) -> None:
        """Lets it go on."""
        self._stage.services[service].thaw()

    def keep_logs(self, purpose: str) -> None:
        """Writes what every service logged into the record."""
        self._watch.keep_logs(purpose)
