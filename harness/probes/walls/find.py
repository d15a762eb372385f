"""Finds one wall of one kind at one service: the edge, its unit, and whether it depends on the way of sending.

10x in segments ── passes ── 10x in one write ── passes ── Open (2 requests)
     │ refused                    │ refused: the search goes on in one write
     1x ── search between the two, or below 1x ── unit ── Wall
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

from harness.model.answer import Answer
from harness.model.finding import NotChecked
from harness.model.request import measure
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
    before, knob = asker.asked, question.knob
    largest = max(question.largest, knob.smallest + 1)
    refusing = _refusing(asker, knob, largest)
    if refusing is None:
        return Open(service=question.service, kind=knob.kind, up_to=largest, requests=asker.asked - before)
    knob, way = refusing
    first = _refused(asker)
    usual = min(max(question.usual, knob.smallest), largest - 1)
    below = not asker.passes(knob.request(usual), way)
    low, high = (knob.smallest, usual) if below and usual > knob.smallest else (usual, largest)
    seen = _Seen(knob, low)
    seen.refusal(largest, first)
    if below:
        seen.refusal(high, _refused(asker))

    def passes(n: int) -> bool:
        passed = asker.passes(knob.request(n), way)
        if not passed:
            seen.refusal(n, _refused(asker))
        return passed

    plain = asker.asked - before + halvings(low, high)
    low, high = find_edge(passes, low, high, lambda: seen.guesses, spare=2)
    searched = asker.asked - before
    guess = agreeing(seen.guesses, low)
    unit, soft = _Identity(asker, knob, low, way, asker.asked + plain + SPARE - searched).settle(guess)
    agrees = guess is not None and guess.unit == unit
    return Wall(
        service=question.service,
        kind=knob.kind,
        last_passing=low,
        first_failing=high,
        unit=unit,
        value=measure(knob.request(low), unit),  # type: ignore[arg-type]
        expected=agrees,
        where=preliminary(guess if agrees else None, seen.answers[high], knob.kind, unit),
        refusal=refusal(seen.answers[high]),
        farther=seen.farther(high),
        soft=soft,
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

    knob: Knob
    low: int
    answers: dict[int, Answer] = field(default_factory=dict)
    guesses: list[Guess] = field(default_factory=list)
    who: list[str] = field(default_factory=list)

    def refusal(self, n: int, answer: Answer) -> None:
        self.answers[n] = answer
        who = software_of(answer)
        if who != self.who or not self.guesses:
            self.who, self.guesses = who, guesses(self.knob, answer, self.low)

    def farther(self, edge: int) -> list[str]:
        """Who else refused larger sizes: their limits stand behind this one."""
        here = software_of(self.answers[edge])[:1]
        others = {name for n, answer in self.answers.items() if n > edge for name in software_of(answer)[:1]}
        return sorted(others.difference(here))


@dataclass
class _Identity:
    """At the edge: does the part count or the whole head, and does one write get further?

    part    n, whole head + 500, one write: passes.   Then n + 1 in one write: refused (hard) or not (soft).
    whole   n - 300, head + 300, one write: passes.   Then n - 300, head + 301: refused (hard) or not.
    """

    asker: Asker
    knob: Knob
    edge: int
    way: int
    until: int
    """How many requests the asker may have asked when this is over; the last question is left out for it."""

    def settle(self, guess: Guess | None) -> tuple[str, bool]:
        """(unit, soft). `guess` is the catalogue's word, where it was right to the byte."""
        if len(self.knob.units) == 1:
            counted = guess is not None or self.knob.kind != "headers" or self._counts_headers()
            return self.knob.units[0] if counted else "head", self._soft_part()
        if guess is None or guess.unit not in WHOLE:
            if self._passes(self.edge, PAD):
                return self._part(guess), self._soft_part()
            if guess is not None:
                guess = None
        return self._whole(guess)

    def _counts_headers(self) -> bool:
        return self.asker.passes(self.knob.request(self.edge, PAD), self.way)

    def _part(self, guess: Guess | None) -> str:
        if guess is not None:
            return guess.unit
        affordable = self.asker.asked + 2 <= self.until
        if (
            affordable
            and isinstance(self.knob, Line)
            and self.asker.passes(self.knob.stretched(self.edge, 100), ONE_WRITE)
        ):
            return "query"
        return self.knob.units[0]

    def _soft_part(self) -> bool:
        return self.way == SEGMENT and self._passes(self.edge + 1)

    def _whole(self, guess: Guess | None) -> tuple[str, bool]:
        unit = guess.unit if guess else "head"
        shift = min(MOVED, self.edge - self.knob.smallest)
        fits = self._passes(self.edge - shift, shift)
        more = self._passes(self.edge - shift, shift + 1)
        if not fits or not more:
            return (unit, False) if fits else (self.knob.units[0], False)
        over = self.asker.passes(self.knob.request(self.edge - shift, shift + 1), self.way)
        return (self.knob.units[0], self._soft_part()) if over else (unit, True)

    def _passes(self, n: int, pad: int = 0) -> bool:
        return self.asker.passes(self.knob.request(n, pad), ONE_WRITE)
