"""Turns the catalogue and what a refusal says into sizes worth asking for."""

from __future__ import annotations

import re

from harness.model.answer import Answer
from harness.model.limits import Limit, catalogue, recognise
from harness.model.request import Unit, measure
from harness.model.walls import Attribution, WallKind
from harness.probes.walls.asking import SEGMENT
from harness.probes.walls.edge import Guess
from harness.probes.walls.knobs import Knob

SPOKEN = re.compile(
    r"(?:\s>|&gt;|\bthan|\bof|\bis|limit|exceeds|size|maximum)[ :=]*[(\[]?(\d{2,9})\b", re.IGNORECASE
)
"""A limit as servers word it: "30000 > 4094", "more than 8190 bytes", "max_header of 262144", "fields is 1000"."""

KINDS: dict[WallKind, tuple[str, ...]] = {
    "line": ("line", "head"),
    "header": ("header", "head"),
    "headers": ("headers",),
    "body": ("body", "form_bytes"),
    "form_bytes": ("form_bytes", "body"),
    "fields": ("fields",),
    "parts": ("parts", "fields"),
    "files": ("files", "parts", "fields"),
    "upload": ("file_bytes", "parts_bytes", "field_bytes", "body", "form_bytes"),
    "nesting": ("nesting",),
}


def software_of(answer: Answer) -> list[str]:
    """The catalogue's names of who may have written `answer`, the likeliest first; silence has its authors too."""
    if answer.status is None:
        return sorted({limit.software for limit in catalogue() if limit.effect in ("closed", "reset")})
    return [name for signature in recognise(answer) for name in signature.software]


def at_unit(limit: Limit) -> tuple[int, str]:
    """(value, unit) of a limit that may depend on arrival: the head that ends with the segment that crosses it."""
    value = limit.value or 0
    if limit.unit == "arrival":
        return (value // SEGMENT + 1) * SEGMENT, "head"
    return value, limit.unit


def guesses(knob: Knob, answer: Answer, low: int) -> list[Guess]:
    """Where the edge may be, in the knob's n: what the answer names first, then the rest of the catalogue."""
    base = knob.request(low)
    offset = {unit: measure(base, unit) - low for unit in knob.units}
    who = software_of(answer)
    found: list[Guess] = []
    for limit in catalogue():
        if limit.kind not in KINDS[knob.kind] or limit.value is None:
            continue
        value, unit = at_unit(limit)
        if unit in offset:
            found.append(Guess(value - offset[unit], limit, unit, limit.software in who))
    found.sort(key=lambda guess: rank(guess, who))
    return [*spoken(answer, offset, found), *found]


def rank(guess: Guess, who: list[str]) -> int:
    """How early to try it: the place of its software among those who may have answered."""
    return who.index(guess.limit.software) if guess.limit and guess.limit.software in who else len(who)


def spoken(answer: Answer, offset: dict[Unit, int], known: list[Guess]) -> list[Guess]:
    """Sizes that the refusal's own text names, in the knob's own unit; those the catalogue knows are left to it."""
    taken = {guess.limit.value for guess in known if guess.named and guess.limit}
    numbers = {int(number) for number in SPOKEN.findall(answer.text[:2000])} - taken - {answer.status}
    own = next(iter(offset), None)
    if own is None or answer.status is None or answer.status < 400:
        return []
    return [Guess(number - offset[own], None, own, True) for number in sorted(numbers) if number >= 16][:3]


def agreeing(found: list[Guess], at: int) -> Guess | None:
    """The catalogue's guess that is right to the byte: a named one, else the only one there."""
    exact = [guess for guess in found if guess.at == at and guess.limit]
    named = [guess for guess in exact if guess.named]
    if named:
        return named[0]
    somebody_else = any(guess.named for guess in found)
    return exact[0] if len(exact) == 1 and not somebody_else else None


def preliminary(guess: Guess | None, answer: Answer, kind: WallKind, unit: str) -> Attribution:
    """Whose limit it looks like before hops are compared: the catalogue's word where it was exactly right."""
    if guess is not None and guess.limit is not None:
        return Attribution(software=guess.limit.software, config_key=guess.limit.config_key, sure="likely")
    if answer.status is None:
        return Attribution()
    for software in software_of(answer):
        key = setting(software, kind, unit)
        if key:
            return Attribution(software=software, config_key=key, sure="likely")
    return Attribution()


def setting(software: str, kind: WallKind, unit: str) -> str:
    """The catalogue's name of the setting behind this kind of limit; of several, that with the same unit."""
    limits = [limit for limit in catalogue() if limit.software == software and limit.kind in KINDS[kind]]
    same = [limit for limit in limits if at_unit(limit)[1] == unit]
    return next((limit.config_key for limit in (*same, *limits)), "")
