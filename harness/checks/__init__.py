"""Pure readings of the record: one risk a file, and none knows another."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from harness.checks import (
    again,
    causes,
    ended,
    faults,
    feedback,
    harm,
    items,
    load,
    logs,
    memory,
    starved,
    stops,
    time,
    walls,
    witnesses,
)
from harness.model.events import NotSeen
from harness.model.finding import Finding
from harness.model.record import Record

Check = Callable[[Record], Iterator[Finding | NotSeen]]

CHECKS: tuple[Check, ...] = (
    walls.check,
    stops.check,
    items.check,
    causes.check,
    witnesses.check,
    again.check,
    faults.check,
    memory.check,
    ended.check,
    time.check,
    starved.check,
    load.check,
    harm.check,
    logs.check,
    feedback.check,
)
