"""Memory as a service tells it itself, in Prometheus' text: for services whose processes nobody here can see.

    # TYPE process_resident_memory_bytes gauge
    process_resident_memory_bytes{worker="1"} 3.1457280e+07

What is resident holds mapped files as well, so it stands a little above what the kernel's files tell. Where the text
is gone, is another one, or names no such series, there is no reading: nothing is guessed, and nothing is flat.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from math import isfinite

RESIDENT = "process_resident_memory_bytes"
_SAMPLE = re.compile(
    r"^\s*(?P<name>[a-zA-Z_:][\w:]*)\s*(?:\{(?P<labels>(?:[^\"}]|\"(?:[^\"\\]|\\.)*\")*)\})?\s+(?P<value>\S+)"
)
_LABEL = re.compile(r'([a-zA-Z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")


def total(text: str, series: str = RESIDENT, labels: Mapping[str, str] | None = None) -> int | None:
    """The bytes of all samples of a series that have these labels; None where there is none, or one is no number
    of bytes (NaN, negative, infinite)."""
    found = [value for value, told in samples(text, series) if (labels or {}).items() <= told.items()]
    sound = all(isfinite(value) and value >= 0 for value in found)
    return int(sum(found)) if found and sound else None


def samples(text: str, series: str) -> Iterator[tuple[float, dict[str, str]]]:
    """(value, labels) of each sample of a series; a value that is no number counts as NaN."""
    for line in text.splitlines():
        found = _SAMPLE.match(line)
        if found is None or found["name"] != series:
            continue
        labels = {name: _ESCAPED.sub(_meant, value) for name, value in _LABEL.findall(found["labels"] or "")}
        try:
            yield float(found["value"]), labels
        except ValueError:
            yield float("nan"), labels


def _meant(escaped: re.Match[str]) -> str:
    return "\n" if escaped[1] == "n" else escaped[1]
