"""Counts what arrives. A limit on fields, parts or forms may answer 200 and drop the rest: only the count tells."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import cast

from msgspec.structs import replace

from harness.model.finding import NotChecked
from harness.model.limits import Limit, catalogue, recognise
from harness.model.walls import Delivery, Open, Refusal, Wall, WallKind
from harness.probes.walls.asking import Budget, Stopped, refusal
from harness.probes.walls.edge import Guess, find_edge, halvings
from harness.probes.walls.guessing import KINDS, preliminary, rank, software_of, spoken

Deliver = Callable[[int, int], Delivery]
"""(n, pad): sends n distinct items, and `pad` bytes in one more field that is ignored; tells what arrived."""
BALLAST = 4000
BYTES: tuple[WallKind, ...] = ("form_bytes", "body", "upload", "line", "header")
BODIES: tuple[WallKind, ...] = ("form_bytes", "body", "upload")
SPARE = 4
"""A limit nobody knows costs at most this many deliveries more than plain bisection, to the item or to the byte."""


@dataclass(frozen=True)
class Shipment:
    """One way of handing items over.

    kind      fields (form or query), parts and files (multipart), nesting; form_bytes, body, upload (one part), line,
              header where only bytes grow
    deliver   sends n items and counts; has side effects, so it goes to a copy
    body      (n, pad) -> bytes of the body that `deliver` sends; 0 where the items are in the URL
    usual, largest   items at 1x and at the largest scale
    count     (kind, n) -> the size of a request with n items as `kind` counts it: a form has its token among
              the fields, and all its parts count where there are files
    """

    service: str
    kind: WallKind
    deliver: Deliver
    body: Callable[[int, int], int]
    usual: int
    largest: int
    software: tuple[str, ...] = ()
    """Who is known to read the form, in the catalogue's names (see `hops.identified`)."""
    count: Callable[[WallKind, int], int] = lambda kind, n: n


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
    bracket: tuple[int, int] = (1, 1)
    """Items of which the first number is known to pass, and the second not to, when the search begins."""

    def __post_init__(self) -> None:
        self.body, self.count = cache(self.shipment.body), cache(self.shipment.count)

    def find(self) -> Wall | Open:
        ship = self.shipment
        self.started = self.budget.clock()
        if self.passes(ship.largest):
            return Open(service=ship.service, kind=ship.kind, up_to=ship.largest, requests=self.asked)
        usual = min(ship.usual, ship.largest - 1)
        below = not self.passes(usual)
        low, high = (1, usual) if below else (usual, ship.largest)
        unsure = below and not self._about_size(usual)
        if unsure and not self.passes(1):
            return self._nothing_arrives()
        self.bracket = low, high
        low, high = find_edge(self.passes, low, high, lambda: self.guesses, spare=1 if unsure else 2)
        if below and low == 1 and not unsure and not self.passes(1):
            return self._nothing_arrives()
        searched = self.asked
        what = self._unit(low)
        return self._wall(low, high, what, (below, searched))

    def _about_size(self, n: int) -> bool:
        """Whether what became of n items is surely a matter of size: some arrived, or the page says so."""
        delivery = self.failed[n]
        told = recognise(delivery.answer) if delivery.arrived is None else []
        return bool(delivery.arrived) or any(signature.meaning == "size" for signature in told)

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
        if answer.status in (414, 431) and not self.body(n, 0):
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
                unit = self._counted_as(limit)
                found.append(Guess(self._within(limit.value, unit), limit, unit, named))
        found.sort(key=lambda guess: rank(guess, who))
        counted = [Guess(delivery.arrived, None, self.shipment.kind, True)] if delivery.arrived else []
        said = [
            guess._replace(at=self._within(guess.at, self.shipment.kind))
            for guess in spoken(delivery.answer, {"headers": 0}, found)
        ]
        return counted + said + found

    def _counted_as(self, limit: Limit) -> WallKind:
        """What a limit counts here: all parts where files grow, unless it is about files."""
        return "parts" if self.shipment.kind == "files" and limit.kind != "files" else self.shipment.kind

    def _within(self, limit: int, unit: WallKind) -> int:
        """The most items whose request counts at most `limit`."""
        ship = self.shipment
        return bisect_right(range(1, ship.largest + 1), limit, key=lambda n: self.count(unit, n))

    def _items(self, limit: int) -> int:
        """The most items whose body is within `limit` bytes; 0 where the items are in no body."""
        ship = self.shipment
        if not self.body(ship.largest, 0):
            return 0
        return bisect_right(range(1, ship.largest + 1), limit, key=lambda n: self.body(n, 0))

    def _unit(self, edge: int) -> tuple[str, int, Guess | None]:
        """(unit, value, catalogue's guess). One more request, with ballast, tells bytes from items, unless the
        refusal's own author is known for exactly this count."""
        kind, body = self.shipment.kind, self.body
        if kind in BYTES:
            return self._in_bytes(edge)
        exact = self._exact(edge)
        step = body(edge, 0) - body(edge - 1, 0)
        known = exact is not None and exact.named and self.failed[edge + 1].arrived is None
        if known or edge <= 1 or not body(edge, 0) or self.passes(edge - 1, 2 * step + BALLAST):
            unit = cast(WallKind, exact.unit) if exact else kind
            return unit, self.count(unit, edge), exact
        return self._of_body(edge)

    def _in_bytes(self, edge: int) -> tuple[str, int, Guess | None]:
        """The same where only bytes grow: to the byte where a body can be padded."""
        kind, body = self.shipment.kind, self.body
        if kind not in BODIES:
            return (
                "field" if kind == "header" else "line",
                self.count(self.shipment.kind, edge),
                self._exact(edge),
            )
        can_pad = edge > 1 and body(edge - 1, 1) > body(edge - 1, 0)
        if kind != "upload":
            return self._of_body(edge) if can_pad else ("body", body(edge, 0), self._exact(edge, "body"))
        ballast = min(
            BALLAST, self.count(self.shipment.kind, edge) // 2
        )  # a part of its own, and not the largest one
        if can_pad and not self.passes(edge - 1, body(edge + 1, 0) - body(edge - 1, 0) + ballast):
            return self._of_body(edge)
        below = [g for g in self.guesses if g.unit == kind and g.limit and g.at == edge]
        guess = min(below, key=lambda guess: not guess.named, default=None)
        named = guess.limit.value if guess and guess.named and guess.limit else None
        return "part", named or self.count(self.shipment.kind, edge), guess if named else None

    def _of_body(self, edge: int) -> tuple[str, int, Guess | None]:
        """The whole body counts: the limit to the byte, by some items fewer and ballast that grows."""
        body = self.body
        n = bisect_right(range(1, edge), body(edge, 0), key=lambda fewer: body(fewer, 1))
        if not n:
            return "body", body(edge, 0), self._exact(edge, "body")
        offset = body(n, 1) - 1
        low, high = body(edge, 0) - offset, body(edge + 1, 0) - offset
        guesses = [
            g._replace(at=(g.limit.value or 0) - offset) for g in self.guesses if g.limit and g.unit == "body"
        ]
        plain = 2 + halvings(body(self.bracket[0], 0), body(self.bracket[1], 0))
        spare = max(0, plain + SPARE - self.asked - halvings(low, high))
        low, _ = find_edge(lambda pad: self.passes(n, pad), low, high, lambda: guesses, spare)
        value = low + offset
        return "body", value, self._known("body", lambda unit: value)

    def _exact(self, edge: int, unit: str = "") -> Guess | None:
        """The catalogue's record of just as much as a request with `edge` items has."""

        def size(unit: str) -> int:
            return self.body(edge, 0) if unit == "body" else self.count(cast(WallKind, unit), edge)

        return self._known(unit, size)

    def _known(self, unit: str, size: Callable[[str], int]) -> Guess | None:
        """The record whose value is the size in its unit: one that the answer names; else, where it names nobody,
        the only one there is, if it counts what was varied."""
        exact = [g for g in self.guesses if g.limit and (g.unit == unit if unit else g.unit != "body")]
        exact = [g for g in exact if g.limit and g.limit.value == size(g.unit)]
        named = [g for g in exact if g.named]
        if named:
            return min(
                named, key=lambda g: (g.unit != self.shipment.kind, g.limit and g.limit.kind != g.unit)
            )
        own = [g for g in exact if g.unit in (unit, self.shipment.kind)]
        return own[0] if len(own) == 1 and not any(g.named for g in self.guesses) else None

    def _wall(self, low: int, high: int, what: tuple[str, int, Guess | None], how: tuple[bool, int]) -> Wall:
        """The wall as observed."""
        delivery, (unit, value, guess), (below, searched) = self.failed[high], what, how
        answer = delivery.answer
        lost = delivery.arrived is not None
        told = refusal(answer)
        kind = self._kind(unit)
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

    def _kind(self, unit: str) -> WallKind:
        """The kind of wall a limit in this unit is."""
        own = self.shipment.kind
        if unit == "body" and own != "body":
            return "body" if own == "upload" else "form_bytes"
        return "parts" if unit == "parts" else own


def _lost(told: Refusal) -> Refusal:
    return replace(told, how="lost")
