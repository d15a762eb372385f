"""Which addresses a scenario may name for services that already run. All of it is decided by the text alone.

    http://staging.example.test:8000      a name that is on the scenario's `allow`
    http://127.0.0.1:8000                 a plain IPv4 address, if it is on `allow` as it stands

Refused are names that look like production, `user@host`, IPv6 addresses and numbers that some resolver reads as an
address (2130706433, 0x7f.1, 0177.0.0.1), whatever is not on the list, and a list that names such things itself.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from harness.errors import Refused

_PRODUCTION = re.compile(
    r"(?:\w*prod|prod(?:uction|eu|us|uk|ap|db|web|api|app)|prd|live|www|public)\d*", re.IGNORECASE
)
_NOT_PRODUCTION = re.compile(r"(?<![^\W_])(?:non|pre|not)[-_]?(?:prod(?:uction)?|prd|live)", re.IGNORECASE)
_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_](?:[a-z0-9_-]{0,62}\.)*[a-z0-9_-]{0,62}", re.IGNORECASE)
_NUMBER = re.compile(r"0x[0-9a-f]*|\d+", re.IGNORECASE)
PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Wanted:
    """A place by name: nobody has asked yet what its address is."""

    scheme: str
    host: str
    port: int
    path: str


def wanted(url: str, allow: Sequence[str], what: str) -> Wanted:
    """The place that `url` names. Raises Refused, which says why; `what` is named in it."""
    try:
        place = _read(url)
    except ValueError as problem:
        raise _refused(
            f"{what} is {url!r}: {problem}", "http:// or https://, a plain name and a port"
        ) from None
    like = production_like(place.host)
    if like:
        raise _refused(f"{what} is {url!r}, and {like!r} looks like production", "a place for rehearsals")
    if not any(entry in (place.host, f"{place.host}:{place.port}") for entry in map(str.lower, allow)):
        raise _refused(
            f"{what} is {url!r}, and {place.host} is not allowed",
            f"a host on the scenario's list: {', '.join(allow) or 'it is empty'}",
            f'if it may be rehearsed on, write allow = ("{place.host}",) into the scenario',
        )
    return place


def check_list(allow: Sequence[str]) -> None:
    """Raises Refused for a list that allows what nobody should: a pattern, a scheme, production."""
    if isinstance(allow, str):
        raise _refused(f"allow is the text {allow!r}", "a list of hosts", f'write allow = ("{allow}",)')
    for entry in allow:
        try:
            if "/" in entry:
                raise ValueError("it is more than a host")
            _read(f"http://{entry}")
        except ValueError as problem:
            raise _refused(
                f"{entry!r} is on the scenario's allow: {problem}", "a host, or host:port"
            ) from None
        like = production_like(entry)
        if like:
            raise _refused(
                f"{entry!r} is on the scenario's allow, and {like!r} looks like production",
                "a place for rehearsals",
            )


def production_like(host: str) -> str:
    """The word in a host's name that says production; empty where there is none. `preprod` and `non-prod` are not."""
    words = re.split(r"[.\-_:]", _NOT_PRODUCTION.sub("", host))
    return next((word for word in words if _PRODUCTION.fullmatch(word)), "")


def _read(url: str) -> Wanted:
    if not isinstance(url, str) or not url.isascii() or not url.isprintable() or re.search(r"[\s\\]", url):
        raise ValueError("it has other characters than an address has")
    parts = urlsplit(url)
    if parts.scheme not in PORTS:
        raise ValueError(f"its scheme is {parts.scheme!r}")
    if "@" in parts.netloc:
        raise ValueError("it names a user in front of an @, which hides where it leads")
    if "[" in parts.netloc or parts.netloc.count(":") > 1:
        raise ValueError("it is an IPv6 address: give the host a name")
    if parts.fragment:
        raise ValueError("it has a fragment")
    host = (parts.hostname or "").rstrip(".")
    if not _NAME.fullmatch(host):
        raise ValueError("it has no host's name")
    if _NUMBER.fullmatch(host.rpartition(".")[2]) and host != _plain(host):
        raise ValueError("it is a number that some read as an address")
    port = parts.port  # raises ValueError for what is no port
    if port == 0:
        raise ValueError("its port is 0")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Wanted(parts.scheme, host, port or PORTS[parts.scheme], path)


def _plain(host: str) -> str:
    try:
        return str(ipaddress.IPv4Address(host))
    except ValueError:
        return ""


def _refused(seen: str, expected: str, fix: str = "") -> Refused:
    return Refused(
        seen,
        expected=expected,
        fix=fix or "mend the scenario; see harness.Attached",
    )
