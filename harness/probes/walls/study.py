"""One trigger, all of its walls, with few requests:

what grows with the users ── asked for on a harmless path ── in users ── confirmed by pressing on both sides
        │ refused or lost all the same, at fewer users
        └─ pressed for real between what arrived whole and what did not ── a wall ── known, or told from security
                                                                       └─ one user is refused too ── security
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from msgspec.structs import replace

from harness.model.answer import Answer
from harness.model.finding import NotChecked
from harness.model.limits import catalogue
from harness.model.request import Request, measure
from harness.model.walls import Attribution, Delivery, InUsers, Open, Rejection, Wall, WallKind
from harness.probes.walls import shape
from harness.probes.walls.asking import SEGMENT, Ask, Baseline, Budget
from harness.probes.walls.changes import Change, padded
from harness.probes.walls.delivery import Shipment, find_delivery_wall
from harness.probes.walls.hops import Attributing, Hop, identified
from harness.probes.walls.look import Kind, Target, look
from harness.probes.walls.security import classify
from harness.probes.walls.trials import Trigger, experiments
from harness.probes.walls.users import confirm, in_users

Seen = Wall | Open | Rejection | NotChecked
GROWING: Mapping[Kind, Callable[[Request], int]] = {
    "line": lambda request: measure(request, "line"),
    "header": lambda request: measure(request, "value"),
    "headers": lambda request: measure(request, "headers"),
    "body": lambda request: measure(request, "body"),
}
UNREAD = next(limit for limit in catalogue() if limit.kind == "chunked")
UNREAD_BY = frozenset(("gunicorn", "granian", "Django"))
"""A body in chunks of which nothing arrives, and whose it may be."""
SECURITY = ("csrf", "origin", "login", "waf", "rate", "access", "host", "silent", "error")


class Hand(Trigger, Protocol):
    """One trigger on stages that may be used up."""

    @property
    def service(self) -> str:
        """The service that its request goes to."""

    @property
    def known(self) -> Mapping[int, Delivery]:
        """What has been delivered already, by number of users."""

    @property
    def sent(self) -> Mapping[int, bytes]:
        """The request as it last went out for so many users."""

    def ask(self, request: bytes, segment: int) -> Answer:
        """Sends these bytes to where its requests enter."""

    def deliver(self, users: int, change: Change | None = None) -> Delivery:
        """Presses it on a clean stage and counts what arrived."""

    def spoil(self) -> None:
        """Something was done on the stage that may have side effects."""


@dataclass(frozen=True)
class Case:
    """What a study of one trigger needs to know besides the trigger.

    hops             the servers on its way, front first
    usual, largest   users at 1x and at the largest scale
    budget           for each search
    pause            waits so many seconds (a limit by rate passes)
    """

    trigger: str
    hops: Sequence[Hop]
    usual: int
    largest: int
    budget: Callable[[], Budget]
    pause: Callable[[float], None]


def study(hand: Hand, case: Case) -> Iterator[Seen]:
    """Every wall of one trigger up to the largest scale. What the trigger's presses showed before is used."""
    return _Study(hand, case).run()


@dataclass
class _Study:
    hand: Hand
    case: Case
    requests: dict[int, Request] = field(default_factory=dict)

    def run(self) -> Iterator[Seen]:
        """What is seen; each wall with the software that is known to be on the way."""
        for seen in self._seen():
            yield replace(seen, chain=self._chain) if isinstance(seen, Wall) else seen

    @cached_property
    def _chain(self) -> list[str]:
        return list(dict.fromkeys(name for hop in self._hops for name in hop.software))

    @cached_property
    def _hops(self) -> list[Hop]:
        """The servers on its way with the names they give away, asked for once."""
        return [identified(hop) for hop in self.case.hops]

    def _seen(self) -> Iterator[Seen]:
        hand, largest = self.hand, self.case.largest
        if largest not in hand.known and not self._bad(largest):
            hand.deliver(largest)
        seen = self._harmless()
        yield from seen
        walls = [one.users for one in seen if isinstance(one, Wall)]
        free = min((users.last_passing or 0 for users in walls if users), default=largest)
        bad = self._bad(free)
        top = hand.known.get(largest)
        if top is not None and top.why_not and not bad:
            yield NotChecked(f"request walls of {self.case.trigger} at {largest} users", top.why_not)
        if bad:
            looked = any(isinstance(one, Open) and one.kind == "line" for one in seen)
            yield from self._counted(bad, looked)

    def _bad(self, up_to: int) -> int | None:
        """The least number of users that was refused, or did not arrive whole."""
        known = self.hand.known.items()
        bad = [n for n, d in known if n <= up_to and (d.intact is False or not self.hand.passed(d.answer))]
        return min(bad, default=None)

    def _request(self, users: int) -> Request:
        if users not in self.requests:
            self.requests[users] = Request.of(self.hand.build(users))
        return self.requests[users]

    def _harmless(self) -> list[Seen]:
        """What asking elsewhere shows of the parts that grow, in users and confirmed, the nearest wall first."""
        case, small, large = self.case, self._request(1), self._request(self.case.largest)
        usual = self._request(case.usual)
        sizes = {
            kind: (size(usual), size(large)) for kind, size in GROWING.items() if size(large) > size(small)
        }
        target = Target(
            self.hand.service,
            self.hand.ask,
            next((value for name, value in small.headers if name.lower() == "host"), "127.0.0.1"),
            case.hops,
            sizes,
            small.headers,
            budget=case.budget(),
            pressed=True,
        )
        seen = look(target)
        walls = [self._in_users(one) for one in seen if isinstance(one, Wall)]
        near = sorted((one for one in walls if isinstance(one, Wall)), key=_first_failing)
        rest = [one for one in (*seen, *walls) if not isinstance(one, Wall)]
        return [*(self._confirmed(wall) for wall in near[:1]), *near[1:], *rest]

    def _in_users(self, wall: Wall) -> Wall | Open:
        users = in_users(wall, self.hand.build, self.case.largest)
        if users.first_failing is None:
            size = GROWING[wall.kind](self._request(self.case.largest))  # type: ignore[index]  # look's own kinds
            return Open(service=wall.service, kind=wall.kind, up_to=size, requests=wall.requests)
        return replace(wall, users=users, trigger=self.case.trigger)

    def _confirmed(self, wall: Wall) -> Wall | NotChecked:
        users = wall.users
        if users is None:
            return wall
        if users.last_passing is None:
            return replace(wall, users=replace(users, confirmed=not self._press(1)))
        told = confirm(users, self._press_slowly if wall.soft else self._press)
        if told.confirmed is False and self.hand.passed(self.hand.deliver(told.first_failing or 1).answer):
            return NotChecked(
                f"a wall of {self.case.trigger} at {wall.service}",
                f"a harmless path is refused beyond {wall.value:,} ({wall.unit}), the trigger is not ({told.note})",
            )
        return replace(wall, users=told)

    def _press(self, users: int) -> bool:
        return self.hand.passed(self.hand.deliver(users).answer)

    def _press_slowly(self, users: int) -> bool:
        return self.hand.passed(self.hand.attempt(0, users, segment=SEGMENT))

    def _counted(self, bad: int, looked: bool) -> Iterator[Seen]:
        """What only the trigger itself shows: between what arrived whole and `bad` users, who did not."""
        found: Seen = NotChecked(f"request walls of {self.case.trigger}", "one user is refused as well")
        kind = self._kind(bad, looked)
        if bad > 1 and kind:
            found = find_delivery_wall(self._shipment(kind, bad), self.case.budget())
        if isinstance(found, Wall):
            found = self._attributed(found)
            if found.expected or found.refusal.how == "lost":
                yield found
                return
            bad = found.first_failing
        answer = self.hand.deliver(bad).answer
        if answer.status is None or self.hand.passed(answer):
            yield found
            return
        told = classify(
            self.hand.service, self.case.trigger, bad, experiments(self.hand, bad, self.case.pause)
        )
        yield told if told.meaning in SECURITY or not isinstance(found, Wall) else found

    def _kind(self, bad: int, looked: bool) -> WallKind | None:
        """What grows from one user to `bad`, as the one who reads the request would count it."""
        small, large = self._request(1), self._request(bad)

        def grows(kind: WallKind) -> bool:
            return shape.count(kind, large) > shape.count(kind, small)

        if grows("body"):
            return next((kind for kind in shape.counted_in(large) if grows(kind)), "body")
        if len(large.line()) > len(small.line()):
            lost = self.hand.known[bad].arrived is not None
            by_form = looked or lost
            return next((kind for kind in shape.READ_AS_FORM if by_form and grows(kind)), "line")
        return "header" if measure(large, "value") > measure(small, "value") else None

    def _shipment(self, kind: WallKind, bad: int) -> Shipment:
        whole = [n for n, delivery in self.hand.known.items() if delivery.intact and n < bad]
        return Shipment(
            service=self.hand.service,
            kind=kind,
            deliver=lambda n, pad: self.hand.deliver(n, padded(pad) if pad else None),
            body=lambda n, pad: shape.count("body", padded(pad)(self._request(n))),
            usual=max(whole, default=min(self.case.usual, bad - 1)),
            largest=bad,
            software=self._readers(),
            count=lambda unit, n: shape.count(unit, self._request(n)),
        )

    def _readers(self) -> tuple[str, ...]:
        """Who reads the form, by the names that the innermost hop gives away."""
        return self._hops[-1].software if self._hops else ()

    def _attributed(self, wall: Wall) -> Wall:
        """The wall with its trigger and its users, and the hop that refuses; a loss is the application's."""
        low, high = wall.last_passing, wall.first_failing
        users = InUsers(last_passing=low or None, first_failing=high, confirmed=True)
        wall = replace(wall, users=users, trigger=self.case.trigger)
        hops = [dataclasses.replace(hop, ask=self._spoiling(hop.ask)) for hop in self._hops]
        if wall.refusal.how == "lost":
            name = hops[-1].name if hops else ""
            where = replace(wall.where, hop=name, sure="likely")
            unread = UNREAD_BY.intersection(hops[-1].software if hops else ())
            if unread and not low and self._request(high).chunked():
                where = replace(where, software=UNREAD.software, config_key=UNREAD.config_key)
            return replace(wall, where=where)
        passing = next((d.answer for d in self.hand.known.values() if d.intact), Answer())
        where = wall.where
        if hops and high in self.hand.sent:
            where = Attributing(wall, self.hand.sent[high], hops, Baseline.of(passing)).attribute()
        return replace(wall, where=where if where.software else _keeping(where, wall.where))

    def _spoiling(self, ask: Ask | None) -> Ask | None:
        """Asks as before; what is taken behind the front has side effects."""
        if ask is None:
            return None

        def asking(request: bytes, segment: int) -> Answer:
            answer = ask(request, segment)
            if self.hand.passed(answer):
                self.hand.spoil()
            return answer

        return asking


def _keeping(where: Attribution, known: Attribution) -> Attribution:
    return replace(where, software=known.software, config_key=known.config_key)


def _first_failing(wall: Wall) -> int:
    return (wall.users.first_failing if wall.users else None) or 0
