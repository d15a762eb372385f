"""Which steps are tried in which order: a rule-based state machine of Hypothesis."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from harness.errors import EngineGone, HarnessError, TimeBudgetSpent
from harness.fuzzing.flows import Bad, Flow, steps_for
from harness.fuzzing.ground import Ground

LONGEST_FLOW = 5
NEVER = ("duplicated", "corrupted", "phantom")
"""What must not be at any moment, also while a flow is under way."""


@dataclass
class Course:
    """Where flows are played, until when, and who is told of one that ended badly."""

    ground: Ground
    until: float
    said: Callable[[list[str], Bad], None]
    played: int = 0

    @property
    def open(self) -> bool:
        """Whether there is time left."""
        return time.monotonic() < self.until


class Hands(RuleBasedStateMachine):
    """The batch's control flow; the model of it is that each user is done once in the end."""

    course: Course

    def __init__(self) -> None:
        super().__init__()
        self.bad: Bad = {}
        self.flow: Flow | None = None
        if self.course.open:
            self.flow = self.guarded(lambda: Flow(self.course.ground))

    def guarded(self, act: Callable[[], Any]) -> Any:
        """What the system does under these hands is looked at; it is never an error of ours."""
        try:
            return act()
        except (TimeBudgetSpent, EngineGone):
            raise
        except HarnessError as problem:
            self.bad[f"the stage does not recover: {problem.seen[:120]}"] = 1
            return None

    def step(self, name: str) -> None:
        """One step, unless time is up or something was found."""
        flow = self.flow
        if flow is not None and not self.bad and self.course.open:
            self.guarded(lambda: flow.do(name))

    @invariant()
    def nobody_is_done_twice(self) -> None:
        """Holds after each step."""
        if self.flow is not None and self.flow.steps and not self.bad:
            found = self.guarded(self.flow.verdicts) or {}
            self.bad |= {word: found[word] for word in NEVER if found.get(word)}

    def teardown(self) -> None:
        """Holds at the end: everybody was done once."""
        if self.flow is None or not self.flow.steps:
            return
        self.course.played += 1
        if not self.bad:
            self.bad |= self.guarded(self.flow.finish) or {}
        if self.bad:
            self.course.ground.leave()
            self.course.said(self.flow.steps, self.bad)


def fuzz_flows(course: Course, flows: int) -> None:
    """Plays so many flows as Hypothesis draws them, or until time is up."""
    rules: dict[str, Any] = {
        _identifier(name): rule()(_stepping(name)) for name in steps_for(course.ground.play.scenario)
    }
    run_state_machine_as_test(
        seed(course.ground.people.seed)(type("Hands", (Hands,), {**rules, "course": course})),
        settings=settings(
            max_examples=flows,
            stateful_step_count=LONGEST_FLOW,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


def _stepping(name: str) -> Callable[[Any], None]:
    def act(self: Any) -> None:
        self.step(name)

    act.__name__ = _identifier(name)
    return act


def _identifier(step: str) -> str:
    return step.replace("'", "").replace(" ", "_")
