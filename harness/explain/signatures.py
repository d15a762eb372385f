"""What failures have in common: the words of a failure without what belongs to one user."""

from __future__ import annotations

import re
from collections.abc import Iterable

SHORTEST_VALUE = 4
_MASKS = (
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.I), "<uuid>"),
    (re.compile(r"\b0x[0-9a-f]+\b", re.I), "<address>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?Z?)?\b"), "<time>"),
    (re.compile(r"'[^']*'|\"[^\"]*\""), "<value>"),
    (re.compile(r"\b(?=\w*\d)[0-9a-f]{12,}\b", re.I), "<hex>"),
    (re.compile(r"\b\d{4,}\b|\d+\.\d+"), "<number>"),
)


def signature(said: str, detail: str, values: Iterable[object] = ()) -> str:
    """One word and text for failures that are alike: `values` are the user's own, which are left out, as are
    numbers of four digits and more, quoted text, ids and times. A status of three digits stays."""
    own = sorted({str(value) for value in values if len(str(value)) >= SHORTEST_VALUE}, key=len, reverse=True)
    for value in own:
        detail = detail.replace(value, "<value>")
    for pattern, mask in _MASKS:
        detail = pattern.sub(mask, detail)
    return f"{said}: {' '.join(detail.split())[:160]}".rstrip(": ")
