"""A condition on users: one thing measured of a field, or of the user as a whole, and the range it must be in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Mask = NDArray[np.bool_]

WHOLE = ""
"""The field of a condition on the user as a whole."""


@dataclass(frozen=True)
class Condition:
    """`least` <= what is measured <= `most`; None: no bound on that side."""

    field: str
    measure: str
    least: float | None = None
    most: float | None = None

    def of(self, values: Numbers) -> Mask:
        """Where it holds. What cannot be measured (NaN) fulfils nothing."""
        mask = ~np.isnan(values)
        with np.errstate(invalid="ignore"):
            if self.least is not None:
                mask &= values >= self.least
            if self.most is not None:
                mask &= values <= self.most
        return mask

    @property
    def key(self) -> str:
        """What it is about, without numbers: part of a finding's id."""
        side = "least" if self.least is not None else "most"
        return f"{self.field}/{self.measure}/{side}"

    @property
    def words(self) -> str:
        """As in "users whose ... fail"."""
        kind, _, what = self.measure.partition(":")
        if self.field == WHOLE:
            return _whole(self, kind, what)
        return f"{self.field} {_said(self, kind, what)}"


def sentence(conditions: Sequence[Condition]) -> str:
    """ "users whose name has a non-ASCII letter fail"."""
    return f"users whose {' and '.join(condition.words for condition in conditions)} fail"


WIDTHS = {
    2: "a non-ASCII letter",
    3: "a character of 3 bytes or more in UTF-8",
    4: "a 4-byte character (emoji)",
}
FLAGS = {
    "null": ("is missing", "is not missing"),
    "blank": ("is blank", "is not blank"),
    "outer": ("has spaces around it", "has no spaces around it"),
    "lower": ("has lower-case letters", "has no lower-case letters"),
    "upper": ("has capital letters", "has no capital letters"),
    "digits": ("has digits", "has no digits"),
    "combining": ("has a combining accent", "has no combining accent"),
    "number": ("is a number", "is not a number"),
    "negative": ("is negative", "is not negative"),
}


def _said(condition: Condition, kind: str, what: str) -> str:
    low, high = condition.least, condition.most
    if kind in FLAGS:
        return FLAGS[kind][0 if low is not None else 1]
    if kind == "has":
        return f"has {_shown(what)}" if low is not None else f"has no {_shown(what)}"
    if kind == "is":
        return f"is {what!r}" if low is not None else f"is not {what!r}"
    if kind == "widest":
        return _width(low, high)
    if kind == "length" and high == 0:
        return "is empty"
    unit = {"length": "characters", "bytes": "bytes in UTF-8", "decimals": "decimals", "value": ""}[kind]
    return ("has " if unit else "is ") + _range(low, high, unit)


def _width(low: float | None, high: float | None) -> str:
    if low is None:
        return "is plain ASCII" if high == 1 else f"has no character over {high:g} bytes in UTF-8"
    if high is not None and high < 4:
        return f"has a character of {low:g} bytes in UTF-8, and none longer"
    return f"has {WIDTHS[int(low)]}"


def _whole(condition: Condition, kind: str, what: str) -> str:
    low, high = condition.least, condition.most
    if kind == "label":
        return f"awkward value is {what!r}" if low is not None else f"awkward value is not {what!r}"
    name, unit = {
        "url": ("data, URL-encoded, ", "bytes"),
        "bytes": ("data ", "bytes"),
        "position": ("place in the batch ", ""),
        "batch": ("batch ", "users"),
        "elapsed": ("turn comes at ", "seconds"),
    }[kind]
    return f"{name}is {_range(low, high, unit)}".replace("at is", "at")


def _range(low: float | None, high: float | None, unit: str) -> str:
    if low is not None and high is not None:
        text = f"{low:,.12g} to {high:,.12g}"
    elif low is not None:
        text = f"{low:,.12g} or more"
    else:
        text = f"{high:,.12g} or less"
    return f"{text} {unit}".rstrip()


def _shown(character: str) -> str:
    names = {
        "'": "an apostrophe",
        " ": "a space",
        '"': "a quotation mark",
        "\n": "a line break",
        ",": "a comma",
    }
    return names.get(character, f"the character {character!r}")
