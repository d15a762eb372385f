"""Label: one way in which a value can be awkward, and why that matters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Sort = Literal["valid", "invalid", "hostile"]
Change = Callable[[str], str | None]


@dataclass(frozen=True)
class Label:
    """One awkward value.

    name    ``field.what``: name.apostrophe
    sort    valid: a correct system takes it; invalid: it should be refused, in words; hostile: it breaks
    what shows it why     a sentence for the reader of a finding change  the ordinary value (the twin's) to
    the awkward one, never to itself
    """

    name: str
    sort: Sort
    why: str
    change: Change

    @property
    def field(self) -> str:
        """The field it lies on."""
        return self.name.partition(".")[0]

    def over(self, value: str) -> str | None:
        """The awkward value in place of `value`."""
        return self.change(value)


def fixed(value: str | None, instead: str = "") -> Change:
    """Always the same value; `instead`, should the user happen to have it."""
    return lambda ordinary: value if value != ordinary else instead


def labels(field: str, *entries: tuple[str, Sort, Change | str | None, str]) -> tuple[Label, ...]:
    """A family of labels; a string in place of a change is always that value."""
    return tuple(
        Label(f"{field}.{what}", sort, why, change if callable(change) else fixed(change))
        for what, sort, change, why in entries
    )
