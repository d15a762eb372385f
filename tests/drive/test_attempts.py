"""Rounds of single tries: at the same time, each user with an id of their own, and nobody hidden behind another."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.drive.attempts import Attempts, Unrecorded
from harness.drive.messages import Response
from harness.drive.performance import Performance
from harness.drive.play import Play
from harness.model.events import NotSeen
from harness.model.people import SyntheticUser
from harness.model.record import Record, RecordWriter
from harness.model.scenario import Outcome, Progress, Scenario, Trigger
from harness.population import Population
from tests.checks.books import manifest
from tests.drive.test_pressing import reply
from tests.end_to_end.friday import SOURCE, opener, variant

PEOPLE = Population(1)
NOWHERE: Any = SimpleNamespace(kind="process", services={}, entries={}, taps={})


def play_of(scenario: Scenario) -> Play:
    return Play(scenario, SOURCE, [], time.monotonic() + 60, Unrecorded(), lambda text: None)


@pytest.mark.parametrize(("on_failure", "presses"), [("skip", 1), ("stop", 2)])
def test_a_round_is_one_press_and_one_more_behind_whom_the_batch_stops(on_failure: str, presses: int) -> None:
    scenario = variant(
        payouts={"PAYOUTS_REJECTS": "non-ascii-name"}, batch={"BATCH_ON_FAILURE": on_failure}, patience="5s"
    )
    round_of = [PEOPLE.twin(n).data | {"name": name} for n, name in enumerate(("Amy", "Zoë", "Bob"))]
    with opener(scenario, "process")() as stage:
        attempts = Attempts(play_of(scenario), stage, PEOPLE, first=100)
        assert [told and told.said for told in attempts.round(round_of)] == ["ok", "failed", "ok"]
        assert attempts._on.live.batch.get("/payouts/status").json()["run"]["id"] == presses
        assert len(attempts.used) == 3


class Meeting(Scenario):
    """Each try waits for two others: one after the other they would wait for ever."""

    attempts_at_once = 3
    together = threading.Barrier(3)

    def attempt(self, live: Any, user: SyntheticUser) -> Outcome:
        self.together.wait(timeout=20)
        return Outcome(user.id, "failed" if "'" in user.name else "ok")


def test_tries_of_ones_own_making_go_on_beside_each_other_and_keep_their_order() -> None:
    attempts = Attempts(play_of(Meeting()), NOWHERE, PEOPLE, first=0)
    round_of = [PEOPLE.twin(n).data | {"name": name} for n, name in enumerate(("Amy", "O'Hara", "Bob"))]
    assert [told and told.said for told in attempts.round(round_of)] == ["ok", "failed", "ok"]
    assert attempts.round([]) == []


def test_a_press_that_began_late_is_said_and_never_taken_for_a_loss(tmp_path: Path) -> None:
    class Slow(Scenario):
        begins = "0.05s"
        late = False

        def progress(self, live: Any) -> Progress:
            return Progress(int(self.late), 0, False)

        def pull(self, live: Any, users: list[SyntheticUser]) -> Response:
            return reply(200)

    slow, button = Slow(), Trigger("button", "pull")
    with RecordWriter(tmp_path / "run") as record:
        record.manifest(manifest([1], 1))
        play = replace(play_of(slow), users=[PEOPLE.user(0)], record=record)
        on = Performance(play, NOWHERE)
        assert on.press(button, 1).accepted is False
        slow.late = True
        on.press(button, 1)
    (unseen,) = Record(tmp_path / "run").all(NotSeen)
    assert unseen.decisive and "set `begins`" in unseen.why
    assert play.pace.longest > 0.05
