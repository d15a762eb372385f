"""What act two did about memory, as events of the record."""

from __future__ import annotations

from typing import Literal

from harness.model.event import Event

KillWitness = Literal["counter", "event", "exit code", "process"]


class RanIntoLimit(Event, frozen=True, kw_only=True, tag="ran_into_limit"):
    """A service was run into its memory limit, on a stage that was thrown away, to see whether the forecast holds.

    scale           the scale that the forecast rests on
    foretold        (item, low, high): the successful item at which the limit was to be reached
    items, failed   when it was killed, or where the run ended without a kill
    seen_by         what told of the kill; empty: it was not killed
    """

    service: str
    limit: int
    trigger: str
    users: int
    scale: int
    foretold: tuple[float, float, float]
    items: int
    failed: int
    seen_by: list[KillWitness]


class FedOn(Event, frozen=True, kw_only=True, tag="fed_on"):
    """Beyond the largest scale, more users were sent through on a fresh stage, because memory was undecided there.
    Its tables are numbered by `scale`, like those of the scales."""

    scale: int
    users: int
    services: list[str]
    seconds: float
