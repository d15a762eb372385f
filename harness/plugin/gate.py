"""What fails a test: the findings at or above its level, and what could not be seen, without what it allows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from harness.model.finding import SEVERITIES, Finding, Verdict
from harness.plugin.asking import INCONCLUSIVE, Allowed
from harness.report.text import inert, plain

if TYPE_CHECKING:
    from harness.plugin.holding import Rehearsed


def told(held: Rehearsed, fail_on: str, allowed: Sequence[Allowed]) -> str:
    """Why the test fails, to be read by a person; empty where it does not."""
    heavy = failing(held.verdict, fail_on, allowed)
    parts = [plain(finding) for finding in heavy]
    unseen = [] if _allows(allowed, INCONCLUSIVE) else held.verdict.undecided
    parts += [f"not seen: {inert(each.probe)}: {inert(each.why)}" for each in unseen]
    if not parts:
        return ""
    return "\n\n".join([held.headline, *parts])


def failing(verdict: Verdict, fail_on: str, allowed: Sequence[Allowed]) -> list[Finding]:
    """The findings that fail the test."""
    if fail_on == "never":
        return []
    level = SEVERITIES.index(fail_on)
    heavy = [finding for finding in verdict.findings if SEVERITIES.index(finding.severity) <= level]
    return [finding for finding in heavy if not _allows(allowed, finding.code)]


def stale(verdict: Verdict, allowed: Sequence[Allowed]) -> list[str]:
    """What is allowed and was not found."""
    there = {finding.code for finding in verdict.findings} | ({INCONCLUSIVE} if verdict.undecided else set())
    return [each.code for each in allowed if each.code not in there]


def _allows(allowed: Sequence[Allowed], code: str) -> bool:
    return any(each.code == code and (each.until is None or date.today() <= each.until) for each in allowed)
