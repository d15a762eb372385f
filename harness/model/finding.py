"""A finding: one thing to know about the batch, with its evidence, cause and remedy.

The shape is the contract of ``report.json``; others read it, so fields are added and never renamed.
"""

from __future__ import annotations

import hashlib
from typing import Literal

from msgspec import Struct

Severity = Literal["critical", "high", "medium", "low", "info"]
SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low", "info")

VerdictWord = Literal["ready", "not_ready", "inconclusive"]


class BreaksAt(Struct, frozen=True, kw_only=True):
    """Where a wall stands.

    users          the first number of users that does not get through (None: no such number is known)
    value, unit    the limit itself in its own unit: 4094 "bytes", 1000 "fields", 134217728 "bytes"
    last_passing   the largest number of users seen to pass
    first_failing  the smallest number of users seen to fail
    interval       (low, high) in users, where `users` is an estimate
    method         how it was found: "6 requests, guided by known limits", "forecast from the last half of 10x", ...
    """

    users: int | None
    value: float | None = None
    unit: str = ""
    last_passing: int | None = None
    first_failing: int | None = None
    interval: tuple[float, float] | None = None
    method: str = ""


class Evidence(Struct, frozen=True):
    """One proof: `kind` says where it was seen (request, response, log, ledger, memory, batch), `text` what."""

    kind: str
    text: str


class Reproduce(Struct, frozen=True):
    """The command line that shows the finding again, and the seed of its users."""

    argv: list[str]
    seed: int


class Finding(Struct, frozen=True, kw_only=True):
    """One thing to know. `id` is the same over seeds, stages and numbers; see `fingerprint`."""

    code: str
    id: str
    severity: Severity
    title: str
    service: str
    hop: str = ""
    trigger: str = ""
    breaks_at: BreaksAt | None = None
    counts: dict[str, int] = {}
    evidence: list[Evidence] = []
    cause: str
    advice: str
    config_key: str = ""
    reproduce: Reproduce | None = None


def fingerprint(code: str, *place: str) -> str:
    """A finding's id: what it is (`code`) and where (service, trigger, route), and nothing that varies."""
    return hashlib.sha256("\0".join((code, *place)).encode()).hexdigest()[:12]


class NotChecked(Struct, frozen=True):
    """Something the rehearsal could not see, and why. `decisive`: there is no READY without it."""

    probe: str
    why: str
    decisive: bool = True


class Verdict(Struct, frozen=True, kw_only=True):
    """What ``report.json`` holds: the answer, what supports it, and what was not seen."""

    schema: Literal["1"] = "1"
    scenario: str
    run: str
    seed: int
    verdict: VerdictWord
    scales: list[int]
    findings: list[Finding]
    not_checked: list[NotChecked]
    measurements: dict[str, float | int | str | None]

    @property
    def undecided(self) -> list[NotChecked]:
        """What was not seen and had to be."""
        return [unseen for unseen in self.not_checked if unseen.decisive]
