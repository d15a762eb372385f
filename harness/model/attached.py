"""Attached: a service that already runs, and where its memory and its logs can be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from harness.errors import Refused

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing, where a server keeps to the rules."""


@dataclass(frozen=True)
class Prometheus:
    """Memory from a page of Prometheus text, such as `/metrics`.

    url      a path of the service itself, or a whole URL (its host must be allowed as well)
    series   the series, with labels where several have that name: `container_memory_rss{pod="batch-0"}`;
             what matches is added up
    """

    url: str = "/metrics"
    series: str = "process_resident_memory_bytes"


@dataclass(frozen=True)
class Container:
    """Memory, and logs too, from a container engine that runs the service: the container by its name. The engine is
    the one of this machine (DOCKER_HOST, or its default socket), and is only read from."""

    name: str


@dataclass(frozen=True)
class LogFile:
    """Logs from a file that can be read from here; what was in it before the rehearsal is left out."""

    path: str


@dataclass(frozen=True)
class LogCommand:
    """Logs from what a command writes to stdout: `kubectl logs deploy/batch --since-time={since}`. It is run by no
    shell; `{since}` is the time the rehearsal began, in UTC."""

    command: str
    timeout: float = 20.0


@dataclass(frozen=True)
class LogQuery:
    """Logs from the answer to a GET: `http://loki.staging.test:3100/...&start={since}`; its host must be allowed."""

    url: str


@dataclass(frozen=True, kw_only=True)
class Attached:
    """How a service that already runs is reached. Its host must be on the scenario's `allow`.

    url       http:// or https://, a name or a plain IPv4 address, a port, and no path
    memory    where its memory is read; None: it is not seen, and the report says so
    logs      where its logs are read; None: they are not seen
    tls       of https, how its certificate is judged, as in Service.tls
    reads     requests other than GET that change nothing ("POST /login"): sent also without `side_effects`
    """

    url: str
    memory: Prometheus | Container | None = None
    logs: LogFile | LogCommand | LogQuery | Container | None = None
    tls: str = "system"
    reads: Sequence[str] = ()


@dataclass(frozen=True)
class Conduct:
    """What may be sent to one attached service, by whoever builds the request.

    host, port, scheme   by which it is known
    allow          hosts that it may lead to
    side_effects   whether anything that changes it may be sent
    reads          what changes nothing though it is no GET: "POST /login"
    mark           names the rehearsal, in a header of every request
    """

    host: str
    port: int
    scheme: str
    allow: Sequence[str]
    side_effects: bool
    reads: Sequence[str] = ()
    mark: str = ""

    def check(self, wire: bytes) -> None:
        """Raises Refused for a request that names another host, or that may change something where nothing may."""
        method, _, rest = wire[:65536].partition(b"\r\n")[0].decode("latin-1").partition(" ")
        path = rest.partition(" ")[0].partition("?")[0]
        if not path.startswith("/") or path.startswith("//"):
            raise Refused(
                f"{method} {path[:100]} names a place of its own",
                expected=f"a path of {self.host}",
                fix="give live.<service>.get() a path such as /status",
            )
        if method not in SAFE and not self.side_effects and f"{method} {path}" not in self.reads:
            raise Refused(
                f"{method} {path} may change something on {self.host}",
                expected="requests that only read: the scenario does not say that side effects are allowed",
                fix=f'if it changes nothing, write Attached(reads=("{method} {path}",)); if it may change'
                " something, side_effects = True",
            )

    def check_redirect(self, location: str) -> None:
        """Raises Refused where an answer leads elsewhere. Nothing follows it; but what leads elsewhere is wired to
        something that nobody has allowed."""
        parts = urlsplit(location)
        named = parts.netloc.lower()
        if named and named not in (self.host, f"{self.host}:{self.port}", *self.allow):
            raise Refused(
                f"{self.host} redirects to {location[:200]}",
                expected="redirects within the host that is allowed",
                cause="it is set up for another place, which was not asked",
                fix="mend its base URL, or add that host as a service of its own",
            )
