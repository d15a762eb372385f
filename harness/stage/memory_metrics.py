"""Memory as a service tells it itself, in Prometheus' text: for services whose processes nobody here can see.

    # TYPE process_resident_memory_bytes gauge
    process_resident_memory_bytes{worker="1"} 3.1457280e+07

What is resident holds mapped files as well, so it stands a little above what the kernel's files tell. Where the text
is gone, is another one, or names no such series, there is no reading: nothing is guessed, and nothing is flat.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from math import isfinite
from urllib.parse import urlsplit

from harness.errors import UsageError
from harness.model.memory import MemoryReading

RESIDENT = "process_resident_memory_bytes"
TIMEOUT = 2.0
MOST_TEXT = 8 * 2**20
_SAMPLE = re.compile(
    r"^\s*(?P<name>[a-zA-Z_:][\w:]*)\s*(?:\{(?P<labels>(?:[^\"}]|\"(?:[^\"\\]|\\.)*\")*)\})?\s+(?P<value>\S+)"
)
_LABEL = re.compile(r'([a-zA-Z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")


@dataclass(frozen=True, kw_only=True)
class MetricsPage:
    """Where a service tells its memory.

    url      the page, http or https; a redirect is not followed, so that nothing else is asked than what was named
    series   the name of the series, in bytes
    labels   those that a sample must have, with these values; several that match are processes, and are summed
    headers  sent with the request: a token, say
    timeout  seconds until the page counts as gone
    """

    url: str
    series: str = RESIDENT
    labels: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout: float = TIMEOUT

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError(
                f"the page of metrics is {self.url!r}",
                expected="an address such as http://staging.example:9100/metrics",
                fix="write it so",
            )

    def read(self) -> MemoryReading | None:
        """One reading; None where the page does not answer with 200, or tells no such series."""
        text = self._text()
        held = None if text is None else total(text, self.series, self.labels)
        return None if held is None else MemoryReading(held=held, source="metrics")

    def _text(self) -> str | None:
        parts = urlsplit(self.url)
        assert parts.hostname is not None
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        connection = kind(parts.hostname, parts.port, timeout=self.timeout)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            connection.request("GET", path, headers={"Accept": "text/plain", **self.headers})
            answer = connection.getresponse()
            body = answer.read(MOST_TEXT + 1)
        except (OSError, HTTPException):
            return None
        finally:
            connection.close()
        return body.decode(errors="replace") if answer.status == 200 and len(body) <= MOST_TEXT else None


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
