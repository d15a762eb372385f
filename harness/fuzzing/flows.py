"""Hands on the batch: it is pressed, pressed twice, killed, started again, starved, and handed more, in any order.

Each flow has users of its own on a stage that is used again as long as nothing was found on it. At its end
everything is up, the button is pressed until nothing changes, and the checker's verdicts are read.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from harness.checks.kinds import PHANTOM
from harness.checks.verdicts import GOOD, VERDICTS
from harness.drive.attempts import Unrecorded
from harness.drive.performance import Performance
from harness.errors import EngineGone, HarnessError, TimeBudgetSpent
from harness.fuzzing.cases import Case
from harness.fuzzing.ground import Ground
from harness.fuzzing.weighing import weigh
from harness.model.people import SyntheticUser
from harness.model.scenario import Effect, Outcome, Scenario
from harness.probes.background import Background

USERS = 4
PATIENCE = 6.0
SLOW = 0.6
BEGINS = 5.0
SETTLED = 0.3
MOST_PRESSES = USERS + 3
Bad = dict[str, int]


class Flow:
    """One run of steps over users of its own."""

    def __init__(self, ground: Ground) -> None:
        self._ground, self._stage = ground, ground.stage
        self._batch, self._downstream = ground.services
        self.users = ground.take(USERS)
        self._before: dict[str, SyntheticUser] = {}
        self._strangers = {effect.item for effect in self._hand().effects() or []} - ground.handed
        self._hand().seed(USERS)
        self.steps: list[str] = []

    def do(self, step: str) -> None:
        """One step, by its name in STEPS."""
        self.steps.append(step)
        STEPS[step](self)

    def press(self) -> None:
        """Somebody presses. That it fails is part of what is looked at."""
        with _whatever_comes_of_it():
            self._press()
        self._everything_up()

    def double_press(self) -> None:
        """Two people press at once."""
        self._beside(self.press)

    def kill_batch(self) -> None:
        """The batch loses its power while it waits for an answer, and is started again."""
        self._kill_at_work(self._batch)

    def kill_downstream(self) -> None:
        """What the batch calls loses its power while it is asked, and is started again."""
        self._kill_at_work(self._downstream or self._batch)

    def restart(self) -> None:
        """The batch is started again while it rests."""
        self._restart(self._batch)

    def slow_downstream(self) -> None:
        """What the batch calls does not answer for a while; where it calls nobody, the batch itself, and that
        cannot tell meanwhile that it runs."""

        def thaw_later() -> None:
            time.sleep(SLOW)
            thaw()

        with self._held_still(self._downstream or self._batch) as thaw:
            self._beside(thaw if self._downstream else thaw_later, at_work=bool(self._downstream))

    def down_downstream(self) -> None:
        """What the batch calls is gone while somebody presses."""
        self._stage.services[self._downstream or self._batch].kill()
        self.press()
        self._everything_up()

    def another_user(self) -> None:
        """The input changes: one user more is due."""
        more = self._ground.take(1)
        self.users += more
        hand = self._hand()
        hand.play = replace(hand.play, users=more)
        hand.seed(1)

    def changed_user(self) -> None:
        """The input changes: somebody who is in already gets other data. Whoever was paid by then stays so."""
        place = len(self._before) % len(self.users)
        old, other = self.users[place], self._ground.take(1)[0]
        own = {name: old.data[name] for name in ("id", "uuid") if name in old.data}
        self._before[old.id] = old
        self.users[place] = SyntheticUser(old.index, old.id, {**other.data, **own})
        self._hand().change([self.users[place]])

    def finish(self) -> Bad:
        """Everything up, pressed until nothing changes any more, and the verdicts that are not good."""
        self._everything_up()
        before: Counter[str] = Counter()
        for _ in range(MOST_PRESSES):
            self.press()
            now = self.verdicts()
            if now == before:
                break
            before = now
        time.sleep(SETTLED)
        return {word: number for word, number in self.verdicts().items() if word not in GOOD}

    def verdicts(self) -> Counter[str]:
        """The checker's word on each of this flow's users, and the phantoms."""
        hand, scenario = self._hand(), self._ground.play.scenario
        ids = {user.id for user in self.users}
        said = [outcome for outcome in hand.outcomes() if outcome.item in ids]
        foreign = self._strangers | (self._ground.handed - ids)
        done = [effect for effect in hand.effects() or [] if effect.item not in foreign]
        users = [self._as_done(user, said, done) for user in self.users]
        account = weigh(scenario, users, said, done)
        found: Counter[str] = Counter(account.verdict_of().values())
        return found + Counter({PHANTOM: len(account.deeds.strangers)})

    def _as_done(self, user: SyntheticUser, said: list[Outcome], done: list[Effect]) -> SyntheticUser:
        """The user as they were when it was done: with the data from before a change, if these are what fits."""
        old, scenario = self._before.get(user.id), self._ground.play.scenario
        mine = [effect for effect in done if effect.item == user.id]
        if old is None or not weigh(scenario, [user], said, mine).count("corrupted"):
            return user
        return old

    def _press(self) -> None:
        trigger = self._ground.play.scenario.triggers()[0]
        self._hand().press(trigger, len(self.users))

    def _beside(self, meanwhile: Callable[[], object], *, at_work: bool = False) -> None:
        """A press in the background while something happens; both are waited for, and everything is up again."""
        going = Background(self._press)
        if at_work:
            self._wait_for_work(going)
        meanwhile()
        with _whatever_comes_of_it():
            going.result()
        self._everything_up()

    def _wait_for_work(self, going: Background[None]) -> None:
        """Until the batch says that it runs, and a little longer: then it is in the middle of an item."""
        until = time.monotonic() + BEGINS
        with _whatever_comes_of_it():
            watch = self._hand()
            while not going.ended and not watch.now().running and time.monotonic() < until:
                time.sleep(0.01)
        time.sleep(SLOW)

    def _kill_at_work(self, service: str) -> None:
        """What the batch calls is held still meanwhile, so that an item is in work."""

        def kill() -> None:
            self._stage.services[service].kill()
            thaw()

        with self._held_still(self._downstream) as thaw:
            self._beside(kill, at_work=True)

    @contextmanager
    def _held_still(self, service: str) -> Iterator[Callable[[], None]]:
        held = self._stage.services.get(service)
        if held is None:
            yield lambda: None
            return
        held.freeze()
        try:
            yield held.thaw
        finally:
            held.thaw()

    def _restart(self, service: str) -> None:
        self._stage.services[service].kill()
        self._stage.services[service].revive()

    def _everything_up(self) -> None:
        for service in self._stage.services.values():
            if service.ending() is not None:
                service.revive()

    def _hand(self) -> Performance:
        """Somebody new with a browser of their own."""
        play = replace(self._ground.play, users=list(self.users), record=Unrecorded())
        hand = Performance(play, self._stage)
        hand.patience = PATIENCE
        return hand


@contextmanager
def _whatever_comes_of_it() -> Iterator[None]:
    """Around a press: that it fails is part of what is looked at. Only the end of time is raised."""
    try:
        yield
    except (TimeBudgetSpent, EngineGone):
        raise
    except HarnessError:
        return


STEPS: dict[str, Callable[[Flow], None]] = {
    "press": Flow.press,
    "double press": Flow.double_press,
    "kill the batch at work": Flow.kill_batch,
    "kill the downstream at work": Flow.kill_downstream,
    "restart the batch": Flow.restart,
    "slow downstream": Flow.slow_downstream,
    "downstream down": Flow.down_downstream,
    "another user": Flow.another_user,
    "another user's data": Flow.changed_user,
}


def steps_for(scenario: Scenario) -> list[str]:
    """The steps that this scenario has hands for."""
    changes = type(scenario).change is not Scenario.change
    return [name for name in STEPS if changes or STEPS[name] is not Flow.changed_user]


def play_flow(ground: Ground, steps: Sequence[str]) -> Bad:
    """Plays the steps with fresh users and tells the bad verdicts; the ground is left where there are any."""
    try:
        flow = Flow(ground)
        for step in steps:
            flow.do(step)
        bad = flow.finish()
    except (TimeBudgetSpent, EngineGone):
        raise
    except HarnessError as problem:
        bad = {f"the stage does not recover: {problem.seen[:120]}": 1}
    if bad:
        ground.leave()
    return bad


def shorter(ground: Ground, steps: Sequence[str], word: str, until: float) -> Case:
    """The steps that are needed for this verdict: a single one if it is enough, else one after the other is left
    out while the verdict stays."""
    kept = list(steps)
    for step in dict.fromkeys(steps):
        if len(kept) > 1 and time.monotonic() < until and word in play_flow(ground, [step]):
            kept = [step]
    for step in list(kept):
        fewer = [*kept]
        fewer.remove(step)
        if time.monotonic() < until and word in play_flow(ground, fewer):
            kept = fewer
    order = ", then ".join(kept) or "just pressing"
    sentence = f"after {order}: users are {word}" if word in _WORDS else f"after {order}: {word}"
    return Case(kind="flow", sentence=sentence, verdict=word, steps=kept, users=USERS)


_WORDS = frozenset({*VERDICTS, PHANTOM})
