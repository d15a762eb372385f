"""A lease at work on a worker's desk, and one item taken from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.drive.locust.terms import Lease


@dataclass
class Stack:
    """A lease at work: where it stands on the slate, its requests, and how many of its items have no end yet."""

    lease: Lease
    slot: int
    wires: list[bytes]
    users: list[Any]
    place: int = 0
    open: int = 0
    dropped: bool = False


@dataclass(slots=True)
class Item:
    """One user, taken from a stack and not sent yet: `late` seconds after it was due."""

    stack: Stack
    place: int
    at: int
    due: float = 0.0
    late: float = 0.0
    sent: float = 0.0

    @property
    def wire(self) -> bytes:
        """Its request, as it goes out."""
        return self.stack.wires[self.place]
