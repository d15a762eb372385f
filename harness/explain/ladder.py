"""What it is about a value: a ladder of plain values between one that passes and one that fails.

::

    'Zoë Müller' fails, 'Amy Smith' passes
      as long, and plain?        'AmySmithAm' passes: not its length
      its characters             'AmyëSmith'  fails: a character does it
      wider and narrower ones    'AmyéSmith', 'Amy😀Smith' fail: every letter beyond ASCII

What the labels of a whole run refute is not asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np

from harness.explain.columns import PLAIN_NUMBER
from harness.explain.conditions import Condition
from harness.explain.figures import of_number
from harness.explain.table import Table

AskValue = Callable[[Any], bool | None]
"""Whether the user fails with this value in the field in question."""
Make = Callable[[Any], Any]
USUAL_LENGTHS = (
    10,
    16,
    20,
    30,
    32,
    35,
    40,
    50,
    64,
    70,
    80,
    100,
    128,
    140,
    150,
    200,
    250,
    255,
    256,
    500,
    512,
    1000,
)
"""What people write into a schema: the edge is looked for there first."""
USUAL_EDGES = sorted({edge for length in USUAL_LENGTHS for edge in (length, length + 1)})
MOST_DIGITS = 50
"""What is longer is told of as text."""
OF_WIDTH = {2: "é", 3: "€", 4: "😀"}


@dataclass(frozen=True)
class Rung:
    """What makes a value fail: conditions on it, and a way to make another user's ordinary value fail so too."""

    conditions: tuple[Condition, ...]
    make: Make


@dataclass(frozen=True)
class Ladder:
    """Climbs for one field. `tolerance`: the share of passing users that may fulfil a condition all the same."""

    table: Table
    field: str
    ask: AskValue
    tolerance: float = 0.0

    def climb(self, good: Any, bad: Any) -> Rung:
        """What it is about `bad`; in the worst case just this value."""
        if bad is None:
            return Rung((Condition(self.field, "null", least=1),), lambda _: None)
        if bad == "":
            return Rung((Condition(self.field, "length", most=0),), lambda _: "")
        if isinstance(bad, str) and bad.isspace():
            return Rung((Condition(self.field, "blank", least=1),), lambda _: bad)
        figures = of_number(self.table, self.field, self.ask, good, bad) if _numbers(good, bad) else None
        if figures:
            return Rung(*figures)
        if isinstance(bad, str) and isinstance(good, str) and good:
            found = self._kind(bad) or self._length(good, bad) or self._content(good, bad)
            if found:
                return found
        return Rung((Condition(self.field, f"is:{bad}", least=1),), lambda _: bad)

    def refuted(self, condition: Condition) -> bool:
        """Whether users that passed fulfil it."""
        mask = self.table.mask([condition])
        such, passed = int(mask.sum()), int((mask & self.table.passed).sum())
        chance = such * self.tolerance
        return passed > chance + 3 * sqrt(chance * max(0.0, 1 - self.tolerance))

    def _kind(self, bad: str) -> Rung | None:
        """A column of a few kinds: the value itself is what counts, unless a value seen only here is longer."""
        if f"is:{bad}" not in self.table.columns[self.field].measures:
            return None
        condition = Condition(self.field, f"is:{bad}", least=1)
        return None if self.refuted(condition) else Rung((condition,), lambda _: bad)

    def _length(self, good: str, bad: str) -> Rung | None:
        size = len(bad)
        longer = size > len(good)
        bound = (
            Condition(self.field, "length", least=size)
            if longer
            else Condition(self.field, "length", most=size)
        )
        if size == len(good) or self.refuted(bound) or not self.ask(stretched(good, size)):
            return None
        passing = [*self._seen_lengths(longer, size), len(good)]
        low = max(passing) if longer else min(passing)
        edge = self._bisect(good, low, size)
        if longer:
            return Rung(
                (Condition(self.field, "length", least=edge),), lambda value: stretched(str(value), edge)
            )
        return Rung((Condition(self.field, "length", most=edge),), lambda value: str(value)[:edge])

    def _seen_lengths(self, longer: bool, size: int) -> list[int]:
        if self.tolerance:
            return []
        lengths = self.table.measure(self.field, "length")
        known = lengths[self.table.passed & ~np.isnan(lengths)]
        fitting = known[known < size] if longer else known[known > size]
        return [int(fitting.max() if longer else fitting.min())] if len(fitting) else []

    def _bisect(self, good: str, passes: int, fails: int) -> int:
        while abs(fails - passes) > 1:
            low, high = sorted((passes, fails))
            edges = [size for size in USUAL_EDGES if low < size < high]
            middle = edges[len(edges) // 2] if edges else (passes + fails) // 2
            if self.ask(stretched(good, middle)):
                fails = middle
            else:
                passes = middle
        return fails

    def _content(self, good: str, bad: str) -> Rung | None:
        beyond = [c for c in dict.fromkeys(bad) if ord(c) >= 128 and c not in good]
        if beyond:
            found = self._width(good, beyond)
            if found:
                return found
        for condition, make in self._candidates(good, bad):
            if make(good) != good and not self.refuted(condition) and self.ask(make(good)):
                return Rung((condition,), make)
        return self._together(good, bad)

    def _width(self, good: str, beyond: list[str]) -> Rung | None:
        """From which width in UTF-8 on characters fail, if it is their width."""
        widest = max(len(c.encode("utf-8", "replace")) for c in beyond)
        if widest < 2 or not self.ask(inserted(good, OF_WIDTH[widest])):
            return None
        least = widest
        for width in range(2, widest):
            wide = Condition(self.field, "widest", least=width)
            if not self.refuted(wide) and self.ask(inserted(good, OF_WIDTH[width])):
                least = width
                break
        most = None if widest == 4 or self.ask(inserted(good, OF_WIDTH[4])) else widest
        condition = Condition(self.field, "widest", least=least, most=most)
        return Rung((condition,), lambda value: inserted(str(value), OF_WIDTH[least]))

    def _candidates(self, good: str, bad: str) -> Iterator[tuple[Condition, Make]]:
        """What `bad` has and `good` has not, one thing at a time."""
        field = self.field
        for c in dict.fromkeys(bad):
            if c not in good and not (c.isascii() and c.isalnum()):
                yield Condition(field, f"has:{c}", least=1), _inserting(c)
        if bad != bad.strip():
            yield Condition(field, "outer", least=1), lambda value: f" {value} "
        if any(c.isdigit() for c in bad) and not any(c.isdigit() for c in good):
            yield Condition(field, "digits", least=1), _inserting("7")
        if bad == bad.lower() != good:
            yield Condition(field, "upper", most=0), lambda value: str(value).lower()
        if any(c.islower() for c in bad) and not any(c.islower() for c in good):
            yield Condition(field, "lower", least=1), lambda value: str(value).lower()
        for c in dict.fromkeys(good):
            if c not in bad and not c.isalnum():
                yield Condition(field, f"has:{c}", most=0), _removing(c)

    def _together(self, good: str, bad: str) -> Rung | None:
        """Several characters that fail only together: the fewest, by taking out one after the other."""
        special = [c for c in dict.fromkeys(bad) if c not in good and not (c.isascii() and c.isalnum())]
        if len(special) < 2 or not self.ask(inserted(good, "".join(special))):
            return None
        for c in list(special):
            fewer = [other for other in special if other != c]
            if self.ask(inserted(good, "".join(fewer))):
                special = fewer
        conditions = tuple(Condition(self.field, f"has:{c}", least=1) for c in special)
        return Rung(conditions, _inserting("".join(special)))


def stretched(value: str, size: int) -> str:
    """A value of that many characters and no others than it has: it stays a valid carrier where it can."""
    plain = "".join(c for c in value if c.isalnum()) or "a"
    return (
        value[:size]
        if size <= len(value)
        else value + (plain * (size // len(plain) + 1))[: size - len(value)]
    )


def inserted(value: str, what: str) -> str:
    """`what` in the middle of a value: trimming does not remove it."""
    middle = (len(value) + 1) // 2
    return value[:middle] + what + value[middle:]


def _inserting(what: str) -> Make:
    return lambda value: inserted(str(value), what)


def _removing(what: str) -> Make:
    return lambda value: str(value).replace(what, "")


def _numbers(good: Any, bad: Any) -> bool:
    texts = (str(good), str(bad))
    return all(len(text) <= MOST_DIGITS and PLAIN_NUMBER.fullmatch(text) is not None for text in texts)
