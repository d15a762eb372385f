"""Counts what arrives. A limit on fields, parts or forms may answer 200 and drop the rest: only the count tells."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field

from msgspec.structs import replace

from harness.model.finding import NotChecked
from harness.model.limits import catalogue
from harness.model.walls import Delivery, Open, Refusal, Wall, WallKind
from harness.probes.walls.asking import Budget, Stopped, refusal
from harness.probes.walls.edge import Guess, find_edge
from harness.probes.walls.guessing import KINDS, preliminary, rank, software_of, spoken

Deliver = Callable[[int, int], Delivery]
"""(n, pad): sends n distinct items, and `pad` bytes in one more field that is ignored; tells what arrived."""
BALLAST = 4000
BYTES: tuple[WallKind, ...] = ("form_bytes", "body", "line", "header")


@dataclass(frozen=True)
class Shipment:
    """One way of handing items over.

    kind      fields (form or query), parts (multipart), nesting; form_bytes, body, line, header where only bytes grow
    deliver   sends n items and counts; has side effects, so it goes to a copy
    body      (n, pad) -> bytes of the body that `deliver` sends; 0 where the items are in the URL
    usual, largest   items at 1x and at the largest scale
    count     the size of a request with n items as `kind` counts it: a form has its token among the fields
    """

    service: str
    kind: WallKind
    deliver: Deliver
    body: Callable[[int, int], int]
    usual: int
    largest: int
    software: tuple[str, ...] = ()
    """Who is known to read the form, in the catalogue's names (see `hops.identified`)."""
    count: Callable[[int], int] = lambda n: n


def find_delivery_wall(shipment: Shipment, budget: Budget | None = None) -> Wall | Open | NotChecked:
    """The number of items from which on not all arrive, refused or lost in silence."""
    try:
        return _Counting(shipment, budget or Budget()).find()
    except Stopped as stop:
        return NotChecked(f"request walls: {shipment.kind} of {shipment.service}", str(stop))


@dataclass
class _Counting:
    shipment: Shipment
    budget: Budget
    asked: int = 0
    started: float = 0.0
    failed: dict[int, Delivery] = field(default_factory=dict)
    guesses: list[Guess] = field(default_factory=list)

    def find(self) -> Wall | Open:
        ship = self.shipment
        self.started = self.budget.clock()
        if self.passes(ship.largest):
            return Open(service=ship.service, kind=ship.kind, up_to=ship.largest, requests=self.asked)
        usual = min(ship.usual, ship.largest - 1)
        below = not self.passes(usual)
        low, high = (1, usual) if below else (usual, ship.largest)
        if below and not self.passes(1):
            return self._nothing_arrives()
        low, high = find_edge(self.passes, low, high, lambda: self.guesses, spare=2)
        searched = self.asked
        what = self._unit(low)
        return self._wall(low, high, what, (below, searched))

    def _nothing_arrives(self) -> Wall:
        answer = self.failed[1].answer
        if self.failed[1].arrived is None:
            said = answer.status or answer.error or answer.fate
            raise Stopped(f"one item is refused as well ({said}): this is no question of size")
        if answer.status is not None and answer.status >= 300:
            place = answer.header("location")[:200] or "(no Location)"
            raise Stopped(
                f"one item is redirected to {place} as well, redirects are not followed, and nothing arrived"
            )
        return self._wall(0, 1, (self.shipment.kind, 0, None), (True, self.asked))

    def passes(self, n: int, pad: int = 0) -> bool:
        """Whether all n arrive as they were sent."""
        if self.asked >= self.budget.requests or self.budget.clock() - self.started > self.budget.seconds:
            raise Stopped(
                f"the budget of {self.budget.requests} requests and {self.budget.seconds:g} s is spent"
            )
        self.asked += 1
        delivery = self.shipment.deliver(n, pad)
        if delivery.intact:
            return True
        answer = delivery.answer
        if answer.fate == "refused":
            raise Stopped(f"no connection: {answer.error}")
        if answer.status in (429, 502, 503, 504):
            raise Stopped(f"answered with {answer.status} {answer.reason}: busy, limited by rate, or down")
        if answer.status in (414, 431) and not self.shipment.body(n, 0):
            raise Stopped(
                f"the URL is refused before its fields are counted ({answer.status} {answer.reason})"
            )
        accepted = answer.status is not None and answer.status < 300
        if delivery.arrived is None and accepted:
            raise Stopped(f"what arrived could not be counted: {delivery.why_not or 'nobody counts'}")
        if not pad:
            self.failed[n] = delivery
            self.guesses = self._guess(delivery)
        return False

    def _guess(self, delivery: Delivery) -> list[Guess]:
        """What arrived is the best guess, then what the refusal says, then the catalogue, in items and in bytes."""
        who = [*(software_of(delivery.answer) if delivery.answer.status else []), *self.shipment.software]
        found: list[Guess] = []
        for limit in catalogue():
            named = limit.software in who
            if limit.value is None:
                continue
            if limit.kind in KINDS["form_bytes"]:
                found.append(Guess(self._items(limit.value), limit, "body", named))
            elif limit.kind in KINDS[self.shipment.kind]:
                found.append(Guess(self._within(limit.value), limit, self.shipment.kind, named))
        found.sort(key=lambda guess: rank(guess, who))
        counted = [Guess(delivery.arrived, None, self.shipment.kind, True)] if delivery.arrived else []
        said = [
            guess._replace(at=self._within(guess.at))
            for guess in spoken(delivery.answer, {"headers": 0}, found)
        ]
        return counted + said + found

    def _within(self, limit: int) -> int:
        """The most items whose request counts at most `limit`."""
        return bisect_right(range(1, self.shipment.largest + 1), limit, key=self.shipment.count)

    def _items(self, limit: int) -> int:
        """The most items whose body is within `limit` bytes; 0 where the items are in no body."""
        ship = self.shipment
        if not ship.body(ship.largest, 0):
            return 0
        return bisect_right(range(1, ship.largest + 1), limit, key=lambda n: ship.body(n, 0))

    def _unit(self, edge: int) -> tuple[str, int, Guess | None]:
        """(unit, value, catalogue's guess). One more request, with ballast, tells bytes from items, unless the
        refusal's own author is known for exactly this count."""
        kind, body, value = self.shipment.kind, self.shipment.body, self.shipment.count(edge)
        exact = self._exact(value, kind)
        if kind in BYTES:
            return self._in_bytes(edge, value)
        step = body(edge, 0) - body(edge - 1, 0)
        known = exact is not None and exact.named and self.failed[edge + 1].arrived is None
        if known or edge <= 1 or not body(edge, 0) or self.passes(edge - 1, 2 * step + BALLAST):
            return kind, value, exact
        value = self._bytes(edge)
        return "body", value, self._exact(value, "body")

    def _in_bytes(self, edge: int, value: int) -> tuple[str, int, Guess | None]:
        """The same where only bytes grow: to the byte where a body can be padded."""
        kind, body = self.shipment.kind, self.shipment.body
        if kind not in ("form_bytes", "body"):
            unit = "field" if kind == "header" else "line"
            return unit, value, self._exact(value, kind)
        if edge > 1 and body(edge - 1, 1) > body(edge - 1, 0):
            value = self._bytes(edge)
        return "body", value, self._exact(value, "body")

    def _bytes(self, edge: int) -> int:
        """The limit to the byte: `edge` - 1 items and ballast that grows up to the body which did not pass."""
        body, n = self.shipment.body, edge - 1
        offset = body(n, 1) - 1
        low, high = body(edge, 0) - offset, body(edge + 1, 0) - offset
        guesses = [
            g._replace(at=(g.limit.value or 0) - offset) for g in self.guesses if g.limit and g.unit == "body"
        ]
        low, _ = find_edge(lambda pad: self.passes(n, pad), low, high, lambda: guesses, spare=2)
        return low + offset

    def _exact(self, value: int, unit: str) -> Guess | None:
        """The catalogue's record of this very value, one that the answer names before the others."""
        exact = [g for g in self.guesses if g.limit and g.limit.value == value and g.unit == unit]
        return min(exact, key=lambda guess: not guess.named, default=None)

    def _wall(self, low: int, high: int, what: tuple[str, int, Guess | None], how: tuple[bool, int]) -> Wall:
        """The wall as observed."""
        delivery, (unit, value, guess), (below, searched) = self.failed[high], what, how
        answer = delivery.answer
        lost = delivery.arrived is not None
        told = refusal(answer)
        kind: WallKind = (
            "form_bytes" if unit == "body" and self.shipment.kind != "body" else self.shipment.kind
        )
        return Wall(
            service=self.shipment.service,
            kind=kind,
            last_passing=low,
            first_failing=high,
            unit=unit,
            value=value,
            expected=guess is not None and (guess.named or not lost),
            refusal=_lost(told) if lost else told,
            where=preliminary(guess if guess and guess.named else None, answer, kind, unit),
            below_usual=below,
            requests=searched,
            identifying=self.asked - searched,
            lost_at=delivery.arrived if lost else None,
        )


def _lost(told: Refusal) -> Refusal:
    return replace(told, how="lost")
