"""Act two: what comes of pressing the button again, after accidents, and while the downstream is in trouble.

Each way has a fresh stage of its own.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from math import ceil
from typing import Protocol

from harness.act_two import Button
from harness.drive.desk import Desk
from harness.drive.play import Play
from harness.model.events import NotSeen
from harness.model.scenario import Scenario, StageKind, parse_duration
from harness.model.stage import Stage
from harness.probes import faults
from harness.probes.diary import set_aside
from harness.probes.rerun import experiments, hold

MOST_USERS_TO_PRESS_AGAIN = 2000
MOST_USERS_WITH_FAULTS = 24


class Up(Protocol):
    """Brings a stage up for a purpose, with taps before some services, and notes that in the record."""

    def __call__(self, purpose: str, tapped: tuple[str, ...] = ()) -> AbstractContextManager[Stage]:
        """The stage, as a context."""


@dataclass(frozen=True)
class Again:
    """What is needed for it: the play, how stages come up, the button that got through, and the usual number."""

    play: Play
    up: Up
    button: Button | None
    usual: int
    stage: StageKind

    def press(self) -> None:
        """Each way to press the button more than once."""
        ready = self._ready("rerun")
        if ready is None:
            return
        button, called = ready
        trigger, users = button.trigger, min(button.users, self.usual, MOST_USERS_TO_PRESS_AGAIN)
        for experiment in experiments(button.works, called):
            self.play.say(f"{users:,} users by {trigger.name}: {experiment.what}")
            with set_aside(experiment.what, self.play.record), self.up(experiment.key) as stage:
                late = ceil(users * experiment.held_back) if users > 1 else 0
                desk = Desk(self.play, stage, trigger, users, late)
                try:
                    with self.play.phase("press"):
                        hold(experiment, desk, self.play.record, trigger.name)
                finally:
                    desk.keep_logs(experiment.key)

    def play_faults(self) -> None:
        """Each fault of the first service that the batch calls, with a few users."""
        ready = self._ready("faults")
        if ready is None:
            return
        button, called = ready
        if not called:
            why = f"{button.works} calls nothing here: what it makes of a downstream in trouble was not seen"
            self.play.record.event(NotSeen(probe="faults", why=why, decisive=False))
            return
        trigger, users = button.trigger, min(button.users, self.usual, MOST_USERS_WITH_FAULTS)
        patience = parse_duration(self.play.scenario.patience, what="patience")
        for fault in faults.faults(called[0], patience):
            self.play.say(f"{users:,} users by {trigger.name}: {fault.what}")
            with set_aside(fault.what, self.play.record), self.up(fault.key, (called[0],)) as stage:
                desk = Desk(self.play, stage, trigger, users)
                tap = stage.taps[called[0]]
                tap.recognise(user.id for user in self.play.users[:users])
                try:
                    with self.play.phase("press"):
                        faults.play(fault, desk, tap, self.play.record, trigger.name)
                finally:
                    desk.keep_logs(fault.key)

    def _ready(self, probe: str) -> tuple[Button, list[str]] | None:
        """The button, and what the batch behind it calls, but for a broker that gives it the work; None, and a
        NotSeen, where there is nothing to press."""
        scenario = self.play.scenario
        if self.button is None or type(scenario).effects is Scenario.effects:
            why = (
                "the scenario has no effects()" if self.button else "no press got through and came to its end"
            )
            self.play.record.event(NotSeen(probe=probe, why=f"{why}: what pressing again does was not seen"))
            return None
        called = scenario.services()[self.button.works].calls
        return self.button, [
            one.name for one in called if one.on(self.stage) and one.name != self.button.asked
        ]
