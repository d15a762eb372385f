"""One of many in the singular: "1 of 4,000 users is called failed"."""

from __future__ import annotations

import re

VERBS = {
    "are": "is",
    "were": "was",
    "stay": "stays",
    "get": "gets",
    "fail": "fails",
    "vanish": "vanishes",
    "need": "needs",
    "wait": "waits",
}
_OF_MANY = re.compile(rf"(?<![\d,.])(1 of [\d,]+ (?:user|request)s) ({'|'.join(VERBS)})\b")
_ALONE = re.compile(
    rf"(?<![\d,.])(?<!of )1 (user|request|effect|time|field|press)(?:e?s)\b(?: ({'|'.join(VERBS)})\b)?"
)


def agree(text: str) -> str:
    """`text`, a template filled with numbers, with noun and verb in the singular behind a count of one."""
    text = _OF_MANY.sub(lambda found: f"{found[1]} {VERBS[found[2]]}", text)
    return _ALONE.sub(lambda found: f"1 {found[1]}" + (f" {VERBS[found[2]]}" if found[2] else ""), text)
