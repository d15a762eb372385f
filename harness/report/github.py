"""Workflow commands of GitHub: annotations within its limits, with nothing from outside read as a command."""

from __future__ import annotations

from harness.model.finding import Finding, Severity, Verdict
from harness.report.text import inert, reproduce, shorten

MOST_A_KIND = 10
KIND: dict[Severity, str] = {
    "critical": "error",
    "high": "error",
    "medium": "warning",
    "low": "notice",
    "info": "notice",
}


def commands(verdict: Verdict, source: str) -> list[str]:
    """A line for each finding, at most ten of a kind; where there are more, the tenth counts the rest."""
    lines: list[str] = []
    for kind in ("error", "warning", "notice"):
        mine = [finding for finding in verdict.findings if KIND[finding.severity] == kind]
        shown = mine if len(mine) <= MOST_A_KIND else mine[: MOST_A_KIND - 1]
        lines += [_line(kind, finding, source) for finding in shown]
        if len(shown) < len(mine):
            lines.append(f"::{kind} title=rehearse::{len(mine) - len(shown)} more findings: see the summary")
    return lines


def _line(kind: str, finding: Finding, source: str) -> str:
    title = _property(f"{finding.code} {finding.title}")
    message = _data(f"{finding.cause}. {finding.advice} {reproduce(finding)}")
    return f"::{kind} file={_property(source)},line=1,title={title}::{message}"


def _data(text: str) -> str:
    flat = shorten(inert(text))
    return flat.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
