"""What the wall probes saw: the observations that the pure half reads."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from harness.model.answer import Answer
from harness.model.finding import Evidence
from harness.model.limits import Meaning

WallKind = Literal[
    "line", "header", "headers", "body", "form_bytes", "fields", "parts", "files", "upload", "nesting"
]
"""What was varied: the request line, one header, how many headers, the body, form fields (or the query's), the parts
of a form with files or the files in it, the bytes of one part, levels of nesting."""
Sureness = Literal["confirmed", "likely", "unknown"]
Fate = Literal["status", "reset", "closed", "timeout", "garbage", "lost"]


class Refusal(Struct, frozen=True, kw_only=True):
    """What came back for the first size that did not pass.

    how        a status, a reset or closed connection without one, no answer in time, no HTTP, or "lost": a
               status of success with items missing
    body       the first 1500 characters; fate, error: what became of the connection
    port, at   our port and the time (seconds since 1970), to find the request in an access log
    """

    how: Fate
    status: int | None
    reason: str = ""
    headers: list[tuple[str, str]] = []
    body: str = ""
    fate: str = ""
    error: str = ""
    port: int = 0
    at: float = 0.0


class Attribution(Struct, frozen=True, kw_only=True):
    """Which hop refused.

    hop         its name in the chain that was handed in; empty where nobody could be told
    software    its name in the catalogue; config_key: the setting, as the catalogue names it
    sure        confirmed (same bytes at the inner hop, or its log), likely (page, headers, connection), unknown
    """

    hop: str = ""
    software: str = ""
    config_key: str = ""
    sure: Sureness = "unknown"
    evidence: list[Evidence] = []


class InUsers(Struct, frozen=True, kw_only=True):
    """The edge in users, through the scenario's real request.

    last_passing, first_failing   neighbours; None where that side does not exist up to the largest scale
    confirmed                     the real trigger passed at the one and failed at the other; None: it was not pressed
    """

    last_passing: int | None
    first_failing: int | None
    confirmed: bool | None = None
    note: str = ""


class Wall(Struct, frozen=True, kw_only=True):
    """One limit, found exactly.

    last_passing, first_failing   sizes of what was varied, neighbours (bytes of the line, of the header's value,
                                  of the body; headers; fields)
    unit, value                   what the server counts, and the largest size in that unit that passes
    expected                      the catalogue names exactly this value for `where.software`
    soft                          one write and 1400-byte segments end differently: it depends on the network, and
                                  the lower edge is told
    below_usual                   the usual size (1x) does not pass either
    requests, identifying         requests spent on the edge, and on unit and ways of sending after it
    farther                       who refused larger sizes on the way: the next limits behind this one
    chain                         the software known to be on the way, front first, in the catalogue's names
    lost_at                       for a silent loss: how many of `first_failing` items arrived
    """

    service: str
    kind: WallKind
    last_passing: int
    first_failing: int
    unit: str
    value: int
    expected: bool
    refusal: Refusal
    where: Attribution = Attribution()
    soft: bool = False
    below_usual: bool = False
    requests: int = 0
    identifying: int = 0
    farther: list[str] = []
    chain: list[str] = []
    lost_at: int | None = None
    users: InUsers | None = None
    trigger: str = ""


class Open(Struct, frozen=True, kw_only=True):
    """No limit up to `up_to` (10x), in the unit that was varied, in `requests` requests."""

    service: str
    kind: WallKind
    up_to: int
    requests: int


class Experiment(Struct, frozen=True):
    """One question about a rejection: what was sent, whether it passed (None: not asked), and what came back."""

    question: str
    passed: bool | None
    saw: str


class Rejection(Struct, frozen=True, kw_only=True):
    """A refusal that is not about size, told apart by experiments.

    meaning    csrf, origin, login, waf, rate, access, host; "size": it is a size limit after all; "missing" and
               "down" are no rejections; None: the experiments do not agree
    """

    service: str
    trigger: str
    meaning: Meaning | None
    software: str
    refusal: Refusal
    experiments: list[Experiment]
    users: int
    why_unsure: str = ""


class Delivery(Struct, frozen=True, kw_only=True):
    """N distinct items sent, and what arrived where they are counted. `arrived` None: nobody could count.

    items_sum, arrived_sum   `checksum` of the sorted ids; equal sums and counts mean nothing was lost or changed
    answer                   what the trigger itself was told; it proves nothing about the items
    why_not                  why nobody could count
    """

    sent: int
    items_sum: str
    arrived: int | None
    arrived_sum: str = ""
    answer: Answer
    why_not: str = ""

    @property
    def intact(self) -> bool | None:
        """Whether all arrived as they were sent; None where nobody could count."""
        if self.arrived is None:
            return None
        return self.arrived == self.sent and self.arrived_sum == self.items_sum


def checksum(ids: Iterable[str]) -> str:
    """One sum over the ids in any order: 16 hex digits; an id that came twice counts twice."""
    return hashlib.sha256("\n".join(sorted(ids)).encode()).hexdigest()[:16]
