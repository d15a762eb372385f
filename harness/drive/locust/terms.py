"""What parent, master and workers say to each other: the order, a lease, and the row of an item."""

from __future__ import annotations

import struct
from typing import Any

from msgspec import Struct

UNSENT, SENDING, UNKNOWN, OK, FAILED = range(5)
"""What is known of an item. From UNKNOWN on it is an end; SENDING becomes UNKNOWN where no answer can be had."""

ROW = struct.Struct("<BBHfff")
"""One item: its state, 1 if it was dealt out again, the status (0: none came), seconds from the beginning of the play
until it was due, from then until it was sent, and from sent until answered."""

BLOCK = struct.Struct("<IIIHH")
"""What stands before rows in results.bin: first index, stride, number of rows, worker, step."""

ASK, REPORT, WILL, LEASE, HEARD, ORDER = (
    "rehearse_ask",
    "rehearse_report",
    "rehearse_will",
    "rehearse_lease",
    "rehearse_heard",
    "rehearse_order",
)
"""Names of the messages that travel over Locust's own connections."""

FOLDER, SLATE, WILLS, OWN = (
    "REHEARSE_LOAD_FOLDER",
    "REHEARSE_LOAD_SLATE",
    "REHEARSE_LOAD_WILLS",
    "REHEARSE_LOAD_OWN",
)
"""What a child is told in its environment: the master its folder; a worker its slate, and the slates of those who
died before it; both whether the users are those of a reader's own locustfile."""

FENCE = 5.0
"""Seconds after which a worker that does not hear from the master begins no more items."""
LOST = 8.0
"""Seconds after which the master takes a worker that it does not hear from as lost. More than FENCE: by then it
has stopped."""

GRACE = 30.0
"""Seconds that the master waits, with nothing else left to do, for word of a lost worker: from the worker itself, or
from the one that is started in its place and reads its slate."""


class Template(Struct, frozen=True, kw_only=True):
    """One request a user, with `{field}` in its texts where a field of the user belongs.

    base      scheme, host and port: "http://127.0.0.1:8000"
    json      the body as JSON; "" and `form` None: no body
    form      the body as a form
    """

    base: str
    method: str
    path: str
    headers: dict[str, str] = {}
    json: Any = None
    form: dict[str, str] | None = None
    timeout: float = 30.0


class Step(Struct, frozen=True, kw_only=True):
    """A range of indexes that is played in one manner: `concurrency` users at once, or `rate` requests a second,
    whatever the answers take, with at most `concurrency` in flight (0: closed, each user goes on when answered)."""

    first: int
    count: int
    concurrency: int
    rate: float = 0.0


class Order(Struct, frozen=True, kw_only=True):
    """All that a child needs to know.

    population   what `Population.describe()` says; the users are made where they are needed
    host         where the users of a reader's own locustfile send to
    request      None: the users are those of a reader's own locustfile
    steps        played one after the other
    most         the largest lease
    open_ended   it ends when it is told to, not when the indexes are through
    workers      how many workers it begins with
    """

    population: dict[str, Any]
    host: str = ""
    request: Template | None
    steps: list[Step]
    workers: int
    most: int = 1024
    open_ended: bool = False


class Lease(Struct, frozen=True):
    """Indexes first, first + stride, ... that one worker may send. `due` seconds of the play until the first of them
    is to be sent, `gap` until the next; without a gap each is sent when a user is free for it."""

    number: int
    step: int
    first: int
    stride: int
    count: int
    due: float = 0.0
    gap: float = 0.0
    again: bool = False

    def part(self, start: int, count: int) -> tuple[int, int, int]:
        """(first, stride, count) of some rows of it."""
        return self.first + start * self.stride, self.stride, count
