"""Finds one wall of one kind at one service: the edge, its unit, and whether it depends on the way of sending.

10x in segments ── passes ── 10x in one write ── passes ── Open (2 requests)
     │ refused                    │ refused: the search goes on in one write
     1x ── search between the two, or below 1x ── unit ── Wall
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import cast

import msgspec

from harness.model.answer import Answer
from harness.model.finding import NotChecked
from harness.model.request import Unit, measure
from harness.model.walls import Open, Wall
from harness.probes.walls.asking import ONE_WRITE, SEGMENT, Asker, Stopped, refusal
from harness.probes.walls.edge import Guess, find_edge, halvings
from harness.probes.walls.guessing import agreeing, guesses, preliminary, software_of
from harness.probes.walls.knobs import Body, Knob, Line

MOVED, PAD = 300, 500
SPARE = 4
"""A limit nobody knows costs at most this many requests more than plain bisection, its unit included."""
WHOLE = ("head", "text", "htx")


@dataclass(frozen=True)
class Question:
    """One service, one knob, and how large n is at 1x and at the largest scale."""

    service: str
    knob: Knob
    usual: int
    largest: int


def find_wall(asker: Asker, question: Question) -> Wall | Open | NotChecked:
    """The wall between 1x and the largest scale (or below 1x), or that there is none, or why it was not seen."""
    try:
        return _find(asker, question)
    except Stopped as stop:
        return NotChecked(f"request walls: {question.knob.kind} of {question.service}", str(stop))


def _find(asker: Asker, question: Question) -> Wall | Open:
    before, largest = asker.asked, max(question.largest, question.knob.smallest + 1)
    refusing = _refusing(asker, question.knob, largest)
    if refusing is None:
        kind = question.knob.kind
        return Open(service=question.service, kind=kind, up_to=largest, requests=asker.asked - before)
    knob, way = refusing
    usual = min(max(question.usual, knob.smallest), largest - 1)
    seen = _Seen(asker, knob, way, usual)
    seen.refusal(largest, _refused(asker))
    low, high, below = usual, largest, not seen.passes(usual)
    if below and usual > knob.smallest:
        low, high = knob.smallest, usual
    spent = asker.asked - before
    spare = 1 if seen.answers[largest].status is None else 2  # silence names nobody
    last, first = find_edge(seen.passes, low, high, lambda: seen.guesses, spare)
    if below and last == knob.smallest and not seen.passes(last):
        raise Stopped("the smallest is refused as well: this is no question of size")
    searched = asker.asked - before
    guess = agreeing(seen.guesses, last)
    until = before + spent + halvings(low, high) + SPARE
    unit, soft = _Identity(asker, knob, last, way, until).settle(guess)
    asker.finish()
    wall = seen.wall(question.service, first, guess if guess and guess.unit == unit else None, unit)
    return msgspec.structs.replace(
        wall,
        soft=soft or way == ONE_WRITE,  # at once refused what in segments passes
        below_usual=below,
        requests=searched,
        identifying=asker.asked - before - searched,
    )


def _refusing(asker: Asker, knob: Knob, largest: int) -> tuple[Knob, int] | None:
    """The first of two ways in which the largest size is refused: in segments or at once; a body not expecting."""
    other = (
        (dataclasses.replace(knob, expect=False), SEGMENT) if isinstance(knob, Body) else (knob, ONE_WRITE)
    )
    for tried, way in ((knob, SEGMENT), other):
        if not asker.passes(tried.request(largest), way):
            return tried, way
    return None


def _refused(asker: Asker) -> Answer:
    assert asker.refused is not None, "asked only after a refusal"
    return asker.refused


@dataclass
class _Seen:
    """The refusals so far, and what they make likely; read anew when somebody not yet seen refuses."""

    asker: Asker
    knob: Knob
    way: int
    low: int
    answers: dict[int, Answer] = field(default_factory=dict)
    guesses: list[Guess] = field(default_factory=list)
    who: list[str] = field(default_factory=list)

    def passes(self, n: int) -> bool:
        """Whether a size passes, sent the way in which the largest is refused."""
        passed = self.asker.passes(self.knob.request(n), self.way)
        if not passed:
            self.refusal(n, _refused(self.asker))
        return passed

    def refusal(self, n: int, answer: Answer) -> None:
        """One more refusal."""
        self.answers[n] = answer
        who = software_of(answer)
        if who != self.who or not self.guesses:
            self.who, self.guesses = who, guesses(self.knob, answer, self.low)

    def wall(self, service: str, first: int, guess: Guess | None, unit: str) -> Wall:
        """The wall whose first refused size is `first`; `guess`: the catalogue's, where it was exactly right."""
        answer = self.answers[first]
        return Wall(
            service=service,
            kind=self.knob.kind,
            last_passing=first - 1,
            first_failing=first,
            unit=unit,
            value=measure(self.knob.request(first - 1), cast(Unit, unit)),
            expected=guess is not None,
            where=preliminary(guess, answer, self.knob.kind, unit),
            refusal=refusal(answer),
            farther=self._farther(first),
        )

    def _farther(self, first: int) -> list[str]:
        """Who else refused larger sizes: their limits stand behind this one."""
        here = software_of(self.answers[first])[:1]
        others = {name for n, answer in self.answers.items() if n > first for name in software_of(answer)[:1]}
        return sorted(others.difference(here))


@dataclass
class _Identity:
    """At the edge: does the part count or the whole head, and does one write get further?

    part    n, whole head + 500: passes.              Then n + 1 in one write: refused (hard) or not (soft).
    whole   n - 300, head + 300, one write: passes.   Then n - 300, head + 301: refused (hard) or not.
    """

    asker: Asker
    knob: Knob
    edge: int
    way: int
    until: int
    """How many requests the asker may have asked when this is over; the least telling is left out for it."""

    def settle(self, guess: Guess | None) -> tuple[str, bool]:
        """(unit, soft). `guess` is the catalogue's word, where it was right to the byte."""
        if len(self.knob.units) == 1:
            counted = guess is not None or self.knob.kind != "headers" or self._counts_headers()
            return self.knob.units[0] if counted else "head", self._soft_part()
        if guess is None or guess.unit not in WHOLE:
            way = ONE_WRITE if guess else self.way  # a soft limit on the whole shows in segments alone
            if self.asker.passes(self.knob.request(self.edge, PAD), way):
                return self._part(guess), self._soft_part()
            return self._whole("head", padding_counts=True)
        return self._whole(guess.unit)

    def _counts_headers(self) -> bool:
        return self.asker.passes(self.knob.request(self.edge, PAD), self.way)

    def _part(self, guess: Guess | None) -> str:
        if guess is not None:
            return guess.unit
        if not self._two_left() or not isinstance(self.knob, Line):
            return self.knob.units[0]
        only_query = self.asker.passes(self.knob.stretched(self.edge, 100), ONE_WRITE)
        return "query" if only_query else self.knob.units[0]

    def _two_left(self) -> bool:
        return self.asker.asked + 2 <= self.until

    def _soft_part(self) -> bool:
        return self.way == SEGMENT and self._passes(self.edge + 1)

    def _whole(self, unit: str, *, padding_counts: bool = False) -> tuple[str, bool]:
        """`padding_counts`: seen already, so that what passes now is soft and not a limit on the part alone."""
        shift = min(MOVED, self.edge - self.knob.smallest)
        fits = not self._two_left() or self._passes(self.edge - shift, shift)
        more = self._passes(self.edge - shift, shift + 1)
        if not fits or not more:
            return (unit, False) if fits else (self.knob.units[0], False)
        over = not padding_counts and self.asker.passes(
            self.knob.request(self.edge - shift, shift + 1), self.way
        )
        return (self.knob.units[0], self._soft_part()) if over else (unit, True)

    def _passes(self, n: int, pad: int = 0) -> bool:
        return self.asker.passes(self.knob.request(n, pad), ONE_WRITE)
