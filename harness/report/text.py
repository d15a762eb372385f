"""Text from outside made harmless, and the sentences that all reports share."""

from __future__ import annotations

import unicodedata

from harness.model.finding import BreaksAt, Verdict
from harness.model.record import Manifest

WORD = {"ready": "READY", "not_ready": "NOT READY", "inconclusive": "INCONCLUSIVE"}


def inert(text: str) -> str:
    """`text` without what a terminal or browser might obey: control, bidi and other format characters."""
    return "".join(
        c if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co") else "�" for c in text
    )


def sentence(verdict: Verdict, manifest: Manifest) -> str:
    """The verdict in one sentence."""
    top = manifest.usual * manifest.scales[-1]
    heavy = [f.title for f in verdict.findings if f.severity in ("critical", "high")]
    if verdict.verdict == "ready":
        return f"{manifest.scenario} can run with {top:,} users: nothing broke up to {manifest.scales[-1]}x."
    if verdict.verdict == "inconclusive":
        return f"Nobody can say yet whether {manifest.scenario} can run with {top:,} users: not everything was seen."
    more = f" (and {len(heavy) - 2} more)" if len(heavy) > 2 else ""
    return f"Do not run {manifest.scenario} with {top:,} users: {'; '.join(heavy[:2])}{more}."


def breaks(breaks_at: BreaksAt) -> str:
    """Where a wall stands, in one line."""
    users = f"{breaks_at.users:,} users" if breaks_at.users is not None else "an unknown number of users"
    parts = [users]
    if breaks_at.last_passing is not None:
        parts.append(f"{breaks_at.last_passing:,} still pass")
    if breaks_at.value is not None and breaks_at.unit:
        parts.append(f"limit {breaks_at.value:,.0f} {breaks_at.unit}")
    if breaks_at.interval is not None:
        parts.append(f"interval {breaks_at.interval[0]:,.0f} to {breaks_at.interval[1]:,.0f}")
    return "; ".join(parts) + (f" ({breaks_at.method})" if breaks_at.method else "")
