"""SyntheticUser: one invented person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class SyntheticUser:
    """User `index` of a population: a pure function of the seed and the index.

    id      what the batch calls this user; reversible to the index
    data    the fields by name (``user["iban"]``; ``user.iban`` reads the same)
    edges   labels of the awkward values laid over the ordinary draw, if any
    """

    index: int
    id: str
    data: Mapping[str, Any]
    edges: tuple[str, ...] = field(default=())

    @property
    def marker(self) -> str:
        """Says that this user is invented, and which one: put it where a system that is used by others keeps it (a
        reference, a note), so that what a rehearsal has left there can be found again."""
        return f"rehearsal-{self.id}"

    def __getitem__(self, name: str) -> Any:
        return self.data[name]

    def __getattr__(self, name: str) -> Any:
        try:
            return self.data[name]
        except KeyError:
            raise AttributeError(f"user has no field {name!r}; fields: {', '.join(self.data)}") from None


class People(Protocol):
    """A seeded population as the rest of the house sees it."""

    seed: int

    def describe(self) -> dict[str, Any]:
        """What somebody needs to have the same users again, as plain data."""

    def user(self, index: int) -> SyntheticUser:
        """The user at `index` (0-based)."""

    def twin(self, index: int) -> SyntheticUser:
        """The same user with nothing awkward about them."""

    def id_of(self, index: int) -> str:
        """The id of the user at `index`."""

    def users(self, count: int) -> list[SyntheticUser]:
        """Users 0..count-1."""

    def index_of(self, user_id: str) -> int | None:
        """The index behind an id, or None where the id is not of this population."""
