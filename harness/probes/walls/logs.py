"""Finds one of our requests in an access log and reads whether the refusal was made there.

Joined by our own port, since an oversize request is logged without its URL and headers. Read are
`port=… up=…` (our sample gateways; "-" for no upstream), HAProxy's httplog, and any line with `address:port`.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

Side = Literal["here", "behind", "unknown"]
HAPROXY_STATE = re.compile(r" (\S+)/(<NOSRV>|\S+) [-\d/+]+ (?:-1|\d{3}) \d+ \S \S ([A-Za-z-]{4}) ")
UPSTREAM = re.compile(r"\bup(?:stream)?=(\S*)")


class LogLine(NamedTuple):
    """A line about our request, and whether it says that this hop refused (here) or passed it on (behind)."""

    text: str
    side: Side


def joined(log: str, port: int) -> LogLine | None:
    """The last line in `log` about the connection from our `port`; None where there is none."""
    mark = re.compile(rf"(?:\bport=|[\d.\]]:){port}\b")
    lines = [line for line in log.splitlines() if mark.search(line)]
    return LogLine(lines[-1].strip()[:400], _side(lines[-1])) if lines else None


def _side(line: str) -> Side:
    haproxy = HAPROXY_STATE.search(line)
    if haproxy:
        return "here" if haproxy[2] == "<NOSRV>" or haproxy[3].startswith("PR") else "behind"
    upstream = UPSTREAM.search(line)
    if upstream:
        return "here" if upstream[1] in ("", "-") else "behind"
    return "unknown"
