"""Finds one of our requests in an access log and reads whether the refusal was made there.

Joined by our own port, since an oversize request is logged without its URL and headers. Where a forwarder in
between has changed the port, as an engine's does on loopback, by status and time, if all such lines say the same.
Read are `port=… up=…` (our sample gateways; "-" for no upstream), HAProxy's httplog, and lines with `address:port`.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Literal, NamedTuple

Side = Literal["here", "behind", "unknown"]
HAPROXY_STATE = re.compile(r" (\S+)/(<NOSRV>|\S+) [-\d/+]+ (?:-1|\d{3}) \d+ \S \S ([A-Za-z-]{4}) ")
UPSTREAM = re.compile(r"\bup(?:stream)?=(\S*)")
SECONDS = re.compile(r"\btime=(\d+(?:\.\d+)?)")
ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)")
NEAR = 1.5
"""Seconds between our clock when we began to send and the line: some logs count whole seconds."""


class LogLine(NamedTuple):
    """A line about our request, and whether it says that this hop refused (here) or passed it on (behind)."""

    text: str
    side: Side


def joined(log: str, port: int, at: float = 0.0, status: int | None = None) -> LogLine | None:
    """The last line in `log` about the connection from our `port`, else about a request that was answered with
    `status` at `at` (seconds since 1970); None where there is none."""
    mark = re.compile(rf"(?:\bport=|[\d.\]]:){port}\b")
    lines = [line for line in log.splitlines() if mark.search(line)]
    if not lines and status is not None:
        told = re.compile(rf"\bstatus={status}\b")
        lines = [line for line in log.splitlines() if told.search(line) and abs(_time(line) - at) <= NEAR]
        lines = lines if len({_side(line) for line in lines}) == 1 else []
    return LogLine(lines[-1].strip()[:400], _side(lines[-1])) if lines else None


def _time(line: str) -> float:
    """When a line was written, in seconds since 1970; 0 where it does not say."""
    seconds, iso = SECONDS.search(line), ISO.search(line)
    if seconds:
        return float(seconds[1])
    return datetime.fromisoformat(iso[0]).timestamp() if iso else 0.0


def _side(line: str) -> Side:
    haproxy = HAPROXY_STATE.search(line)
    if haproxy:
        return "here" if haproxy[2] == "<NOSRV>" or haproxy[3].startswith("PR") else "behind"
    upstream = UPSTREAM.search(line)
    if upstream:
        return "here" if upstream[1] in ("", "-") else "behind"
    return "unknown"
