"""Load beside the button: one request a user in the words of a scenario, and what came of it in the record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from msgspec import Struct

from harness.model.event import Event
from harness.model.service import Service

Arrival = Literal["closed", "open"]
LoadKind = Literal["items", "downstream", "background"]


@dataclass(frozen=True)
class Load:
    """One HTTP request for each user, with `{field}` where a field of the user belongs.

        items = Load(batch, "POST", "/pay", json={"id": "{id}", "amount": "{amount}"}, concurrency=16)
        downstream = Load(payouts, "POST", "/payouts", json={"user": "{id}"}, concurrency=4)
        background = Load(batch, "GET", "/balance/{id}", arrival="open", rate=20)

    service      where it goes
    arrival      closed: `concurrency` users at once, each goes on when it is answered; open: `rate` requests a
                 second, whatever the answers take, at most `concurrency` in flight, and latency counts from the
                 time a request was due
    timeout      seconds without an answer after which what became of the user is unknown
    """

    service: Service
    method: str
    path: str
    json: Any = None
    form: Mapping[str, str] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    arrival: Arrival = "closed"
    concurrency: int = 16
    rate: float = 0.0
    timeout: float = 30.0

    @property
    def name(self) -> str:
        """As reports call it."""
        return f"{self.method} {self.path} for each user"

    def wrong(self) -> str:
        """What is wrong with it; "" where nothing is."""
        if self.arrival not in ("closed", "open"):
            return f"arrival={self.arrival!r}: closed or open is expected"
        if (self.rate > 0) != (self.arrival == "open"):
            return f"arrival={self.arrival!r} with rate={self.rate:g}: an open arrival has a rate, a closed one none"
        if self.concurrency < 1 or self.timeout <= 0:
            return f"concurrency={self.concurrency}, timeout={self.timeout:g}: both are more than 0"
        if not self.path.startswith("/"):
            return f"path={self.path!r}: it begins with /"
        if self.json is not None and self.form is not None:
            return "json and form at once: a request has one body"
        return ""


class Pace(Struct, frozen=True, kw_only=True):
    """One step of a play: how many were asked for and how many came to which end, at which concurrency or rate.

    latency   of those answered: median and 95th percentile of the seconds from the time one was due to its answer
    """

    concurrency: int
    rate: float
    asked: int
    ok: int
    failed: int
    unknown: int
    seconds: float
    latency: tuple[float, float] | None = None

    @property
    def reached(self) -> int:
        """How many were sent."""
        return self.ok + self.failed + self.unknown


class Generator(Struct, frozen=True, kw_only=True):
    """How one process of the generator fared; worker 0 is the master.

    cpu        its share of one CPU while it sent, and for how many seconds that was
    waited     the share of its time in which it could have run and had no CPU: others had it
    lag        how long its loop overslept a short sleep: mean and most, in seconds
    late       requests that went out more than 20 ms after they were due, though a user was free for them
    queued     those that no user was free for: the answers took too long
    memory     the most bytes it held
    """

    worker: int
    cpu: float
    seconds: float
    lag: tuple[float, float]
    late: int
    queued: int
    memory: int
    waited: float = 0.0


class LoadPlayed(Event, frozen=True, kw_only=True, tag="load_played"):
    """Load was played; each request is a row of the table `load-<key>`.

    what      the request, as reports call it
    again     items that were dealt to a second worker before they were sent
    died      workers that died and were replaced; `lost` those that were not heard of any more
    dark      items of lost workers of which nobody knows whether they were sent
    ran_out   there were fewer users than requests to be sent
    during    for background: from when until when the batch was at work, in seconds of the play
    """

    kind: LoadKind
    key: str
    scale: int
    service: str
    what: str
    arrival: Arrival
    steps: list[Pace]
    generators: list[Generator]
    again: int = 0
    died: int = 0
    lost: int = 0
    dark: int = 0
    ran_out: bool = False
    during: tuple[float, float] | None = None
