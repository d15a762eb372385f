"""Act two: what only a live system can answer about what act one showed. Here, how far each trigger gets, and why
no further."""

from __future__ import annotations

import time
from collections.abc import Container, Iterator
from dataclasses import dataclass, field

from harness.drive.bench import Bench
from harness.drive.hand import ASKING, NOT_A_REQUEST, Hand, NoRequest, NotARequest
from harness.drive.play import ServiceGone
from harness.drive.tape import Tape
from harness.drive.tls import tls_for
from harness.drive.wire import ask
from harness.errors import EnvironmentProblem
from harness.model.event import Event
from harness.model.events import NotSeen, OpenSeen, RejectionSeen, WallSeen
from harness.model.exchange import Exchange
from harness.model.scenario import Scenario, Trigger
from harness.model.stage import RunningService
from harness.model.walls import Delivery, Open, Rejection, Wall
from harness.probes.walls.asking import Budget
from harness.probes.walls.hops import Hop
from harness.probes.walls.study import Case, Seen, study


@dataclass(frozen=True)
class Button:
    """A trigger that got through with so many users: the service that was asked, and the one that then works."""

    trigger: Trigger
    users: int
    asked: str
    works: str


@dataclass
class Reach:
    """What the scales showed of each trigger: how it came to its request, and what came of so many users."""

    tapes: dict[str, Tape] = field(default_factory=dict)
    deliveries: dict[str, dict[int, Delivery]] = field(default_factory=dict)
    no_requests: set[str] = field(default_factory=set)
    """The triggers that are commands or messages: what stands in the way of a request cannot be in theirs."""
    button: Button | None = None
    """Of the first trigger that got through."""

    def saw(self, trigger: str, tape: Tape | None, delivery: Delivery | None) -> None:
        """Takes in one first press and what came of it. What could not be told changes nothing."""
        if tape is not None:
            self.tapes.setdefault(trigger, tape)
        if delivery is not None:
            self.deliveries.setdefault(trigger, {})[delivery.sent] = delivery


def worker(scenario: Scenario, begun: Exchange, there: Container[str]) -> str:
    """The service that does the work begun so: of messages the first that calls their broker, of all else
    the one that was asked."""
    services = scenario.services()
    if begun.via == "queue":
        for name in scenario.drivers():
            if name in there and any(one.name == begun.service for one in services[name].calls):
                return name
    return begun.service


def find_walls(bench: Bench, usual: int, reach: Reach) -> None:
    """Every wall of each trigger, written into the record."""
    play = bench.play
    for number, trigger in enumerate(play.scenario.triggers()):
        probe = f"request walls of {trigger.name}"
        if trigger.name in reach.no_requests:
            play.record.event(NotSeen(probe=probe, why=NOT_A_REQUEST, decisive=False))
            continue
        play.say(f"{trigger.name}: looking for walls up to {len(play.users):,} users")
        hand = Hand(bench, trigger, reach.tapes.get(trigger.name), reach.deliveries.get(trigger.name))
        try:
            for seen in _study(hand, usual):
                whole = hand.known.get(len(play.users))
                doubted = number == 0 and not (whole and whole.intact)
                play.record.event(_observed(trigger.name, seen, decisive=doubted))
        except NotARequest as problem:
            play.record.event(NotSeen(probe=probe, why=problem.seen, decisive=False))
        except (NoRequest, ServiceGone, EnvironmentProblem) as problem:
            play.record.event(NotSeen(probe=probe, why=problem.seen, decisive=number == 0))


def _study(hand: Hand, usual: int) -> Iterator[Seen]:
    play = hand.bench.play
    if hand.tape is None:
        hand.deliver(len(play.users))
    left = play.deadline - time.monotonic()
    case = Case(
        trigger=hand.trigger.name,
        hops=_hops(hand.bench, hand.service),
        usual=usual,
        largest=len(play.users),
        budget=lambda: Budget(seconds=left),
        pause=time.sleep,
    )
    return study(hand, case)


def _observed(trigger: str, seen: Seen, *, decisive: bool) -> Event:
    if isinstance(seen, Wall):
        return WallSeen(wall=seen)
    if isinstance(seen, Open):
        return OpenSeen(trigger=trigger, open=seen)
    if isinstance(seen, Rejection):
        return RejectionSeen(rejection=seen)
    return NotSeen(probe=seen.probe, why=seen.why, decisive=decisive)


def _hops(bench: Bench, service: str) -> list[Hop]:
    """The servers on the way to a service, its gateway first; each is asked where the stage has it now."""
    known = bench.play.scenario.services()
    chain = [service]
    while gate := next((name for name, one in known.items() if one.fronts is known[chain[0]]), None):
        chain.insert(0, gate)

    def hop(name: str) -> Hop:
        def running() -> RunningService:
            return bench.here().stage.services[name]

        return Hop(
            name,
            ask=lambda request, segment: ask(
                running().address, request, timeout=ASKING, segment=segment, tls=tls_for(known[name])
            ),
            log=lambda: running().logs().decode(errors="replace"),
        )

    return [hop(name) for name in chain if name in bench.here().stage.services]
