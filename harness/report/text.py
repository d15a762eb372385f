"""Text from outside made harmless, and the sentences that all reports share."""

from __future__ import annotations

import html
import re
import shlex
import unicodedata

from harness.model.finding import BreaksAt, Evidence, Finding, Verdict
from harness.model.record import Manifest

MIB = 2**20
OBEYED = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
POSITION, AT_ONCE = "position in the batch", "at once"
"""Units of a wall that stands at no number of users."""
WORD = {"ready": "READY", "not_ready": "NOT READY", "inconclusive": "INCONCLUSIVE"}


def inert(text: str) -> str:
    """`text` without what a terminal or browser might obey: control, bidi and other format characters."""
    if text.isprintable():
        return text
    return "".join(c if c in "\n\t" or unicodedata.category(c) not in OBEYED else "�" for c in text)


def sentence(verdict: Verdict, manifest: Manifest) -> str:
    """The verdict in one sentence."""
    top = manifest.usual * manifest.scales[-1]
    heavy = [f.title for f in verdict.findings if f.severity in ("critical", "high")]
    if verdict.verdict == "ready" and not manifest.triggers:
        alone = f"The batch of {manifest.scenario} was not started: no number of users was rehearsed."
        return f"Nothing broke in what was played. {alone}"
    if verdict.verdict == "ready":
        nothing = "nothing that keeps it from running" if verdict.findings else "nothing"
        return (
            f"{manifest.scenario} can run with {top:,} users: {nothing} broke up to {manifest.scales[-1]}x."
        )
    if verdict.verdict == "inconclusive":
        return f"Nobody can say yet whether {manifest.scenario} can run with {top:,} users: not everything was seen."
    more = f" (and {len(heavy) - 2} more)" if len(heavy) > 2 else ""
    return f"Do not run {manifest.scenario} with {top:,} users: {'; and '.join(heavy[:2])}{more}."


def rows(finding: Finding) -> list[tuple[str, str]]:
    """A finding's text in one order for every report: where, proof, breaks at, cause, help, setting, reproduce."""
    told = [("where", _where(finding))]
    told += [("proof", _proof(evidence)) for evidence in finding.evidence]
    if finding.breaks_at:
        told.append(("breaks at", breaks(finding.breaks_at)))
    if len(finding.counts) > 1:
        told.append(("counts", ", ".join(f"{scale}: {count:,}" for scale, count in finding.counts.items())))
    told += [("cause", finding.cause), ("help", finding.advice)]
    if finding.config_key:
        told.append(("setting", finding.config_key))
    if finding.reproduce:
        told.append(("reproduce", reproduce(finding)))
    told.append(("explain", f"rehearse explain {finding.code}"))
    return [(label, shorten(inert(text))) for label, text in told]


def plain(finding: Finding) -> str:
    """A finding as plain text: its head, and its rows below."""
    told = [f"{label:>11}  {text}" for label, text in rows(finding)]
    return "\n".join([f"{finding.severity}[{finding.code}] {inert(finding.title)}", *told])


def reproduce(finding: Finding) -> str:
    """The command line that shows the finding again; empty where there is none."""
    again = finding.reproduce
    return f"{shlex.join(again.argv)} --seed {again.seed}" if again else ""


def shorten(text: str, most: int = 2000) -> str:
    """`text`, cut with a note of how much is left out."""
    return text if len(text) <= most else f"{text[:most]} ... ({len(text) - most:,} more characters)"


def plural(count: int, one: str, many: str = "") -> str:
    """`1 press`, `2 presses`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def without_tags(text: str) -> str:
    """What a page of HTML says, on one line."""
    text = re.sub(r"<(script|style)\b.*?(</\1\s*>|$)", " ", text, flags=re.S | re.I)
    return " ".join(html.unescape(re.sub(r"<[a-zA-Z/!][^<>]*>", " ", text)).split())


def _where(finding: Finding) -> str:
    refuser = f" ({finding.hop} refuses)" if finding.hop and finding.hop != finding.service else ""
    return f"{finding.service}{refuser}{f', trigger “{finding.trigger}”' if finding.trigger else ''}"


def _proof(evidence: Evidence) -> str:
    """Evidence as a reader wants it: of an answer in HTML, what it says. `report.json` keeps it as it came."""
    text = without_tags(evidence.text) if evidence.kind == "response" else evidence.text
    return f"{evidence.kind}: {text}"


def breaks(breaks_at: BreaksAt) -> str:
    """Where a wall stands, in one line."""
    if breaks_at.unit == POSITION:
        return f"user number {breaks_at.users:,}" if breaks_at.users else "an unknown place in the batch"
    at_once = breaks_at.unit == AT_ONCE
    parts = [plural(breaks_at.users, "user") if breaks_at.users is not None else "an unknown number of users"]
    if at_once:
        parts = [f"{breaks_at.first_failing:,} {AT_ONCE}"]
    if breaks_at.last_passing is not None:
        parts.append(
            f"{breaks_at.last_passing:,} still {'passes' if breaks_at.last_passing == 1 else 'pass'}"
        )
    if breaks_at.value is not None and breaks_at.unit and not at_once:
        large = breaks_at.unit == "bytes" and breaks_at.value >= MIB
        parts.append(
            f"limit {breaks_at.value / MIB:,.0f} MiB"
            if large
            else f"limit {breaks_at.value:,.0f} {breaks_at.unit}"
        )
    if breaks_at.interval is not None:
        parts.append(f"interval {breaks_at.interval[0]:,.0f} to {breaks_at.interval[1]:,.0f}")
    return "; ".join(parts) + (f" ({breaks_at.method})" if breaks_at.method else "")
