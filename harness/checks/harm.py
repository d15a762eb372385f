"""Whom the batch harms while it runs: other users, whose requests were sent before it, meanwhile, and after it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from harness.checks.load_kinds import finding, once
from harness.model.events import NotSeen
from harness.model.finding import Evidence, Finding, Severity
from harness.model.load import LoadPlayed
from harness.model.record import Record

Flags = NDArray[np.bool_]
Seconds = NDArray[np.float64]

HARM = 0.02
"""The share of requests by which more must fail while the batch is at work."""
SLOWER = 2.0
LEAST = 20
SIGMAS = 3.0


def check(record: Record) -> Iterator[Finding | NotSeen]:
    """LOAD-003, or that too few were sent to tell."""
    others = (played for played in record.all(LoadPlayed) if played.kind == "background")
    yield from once(one for played in others for one in _harm(record, played))


@dataclass(frozen=True)
class _Part:
    """The requests of other users that were due in one part of a background: how many, how many failed, and the
    seconds of those that were answered."""

    count: int
    failed: int
    seconds: Seconds

    @property
    def share(self) -> float:
        """The share that failed."""
        return self.failed / self.count if self.count else 0.0

    def __str__(self) -> str:
        median = f"median {np.median(self.seconds) * 1000:,.0f} ms" if len(self.seconds) else "none answered"
        return f"{self.failed:,} of {self.count:,} failed, {median}"


@dataclass(frozen=True)
class _Parts:
    """Which requests were due when."""

    before: Flags
    meanwhile: Flags
    after: Flags


@dataclass(frozen=True)
class _Seen:
    """All requests of a background: whether each failed, and its seconds."""

    failed: Flags
    seconds: Seconds

    def part(self, where: Flags) -> _Part:
        """Some of them."""
        return _Part(int(where.sum()), int((self.failed & where).sum()), self.seconds[where & ~self.failed])


def _harm(record: Record, played: LoadPlayed) -> Iterator[Finding | NotSeen]:
    assert played.during is not None
    table = record.table(f"load-{played.key}")
    due = np.array(table.get("due", []), float)
    failed = np.array([word != "ok" for word in table.get("said", [])], bool)
    whole = np.array(table.get("late", []), float) + np.array(table.get("took", []), float)
    began, ended = played.during
    parts = _Parts(due < began, (due >= began) & (due < ended), due >= ended)
    seen = _Seen(failed, whole)
    meanwhile, otherwise = seen.part(parts.meanwhile), seen.part(~parts.meanwhile)
    if min(meanwhile.count, otherwise.count) < LEAST:
        why = (
            f"{meanwhile.count} requests of other users while the batch was at work and {otherwise.count} before and"
            f" after: {LEAST} each are needed to tell"
        )
        yield NotSeen(probe=f"other users at {played.scale}x", why=why, decisive=False)
        return
    severity: Severity = "high" if _more_fail(meanwhile, otherwise) else "medium"
    if severity == "high":
        title = f"Other users fail while the batch runs: {meanwhile.failed:,} of {meanwhile.count:,}"
    elif _slower(meanwhile, otherwise):
        ratio = float(np.median(meanwhile.seconds) / np.median(otherwise.seconds))
        title = f"Other users wait {ratio:.1f} times as long while the batch runs"
    else:
        return
    evidence = [
        Evidence("requests", f"{when}: {seen.part(where)}")
        for when, where in (
            ("before", parts.before),
            ("while the batch was at work", parts.meanwhile),
            ("after", parts.after),
        )
    ]
    found = finding(record, played, "LOAD-003", severity, title)
    yield replace(found, counts={f"{played.scale}x": meanwhile.failed}, evidence=evidence)


def _more_fail(meanwhile: _Part, otherwise: _Part) -> bool:
    """Whether the shares differ by more than HARM and by more than chance (three standard errors)."""
    more = meanwhile.share - otherwise.share
    pooled = (meanwhile.failed + otherwise.failed) / (meanwhile.count + otherwise.count)
    error = (pooled * (1 - pooled) * (1 / meanwhile.count + 1 / otherwise.count)) ** 0.5
    return more > HARM and more > SIGMAS * error


def _slower(meanwhile: _Part, otherwise: _Part) -> bool:
    """Whether the median has doubled, and the ranks differ by more than chance (Mann-Whitney, three sigmas)."""
    a, b = meanwhile.seconds, otherwise.seconds
    if min(len(a), len(b)) < LEAST or np.median(a) < SLOWER * np.median(b):
        return False
    ranks = np.argsort(np.argsort(np.concatenate([a, b]))) + 1.0
    u = ranks[: len(a)].sum() - len(a) * (len(a) + 1) / 2
    spread = (len(a) * len(b) * (len(a) + len(b) + 1) / 12) ** 0.5
    return bool(u - len(a) * len(b) / 2 > SIGMAS * spread)
