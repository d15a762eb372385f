"""Attached: a service that already runs, and where its memory and its logs can be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Prometheus:
    """Memory from a page of Prometheus text, such as `/metrics`.

    url      a path of the service itself, or a whole URL (its host must be allowed as well)
    series   the series, with labels where several have that name: `container_memory_rss{pod="batch-0"}`;
             what matches is added up
    """

    url: str = "/metrics"
    series: str = "process_resident_memory_bytes"


@dataclass(frozen=True, kw_only=True)
class Container:
    """Memory, and logs too, from a container engine that runs the service: the container by its name. The engine is
    the one of this machine (DOCKER_HOST, or its default socket), and is only read from."""

    name: str


@dataclass(frozen=True, kw_only=True)
class LogFile:
    """Logs from a file that can be read from here; what was in it before the rehearsal is left out."""

    path: str


@dataclass(frozen=True, kw_only=True)
class LogCommand:
    """Logs from what a command writes to stdout: `kubectl logs deploy/batch --since-time={since}`. It is run by no
    shell; `{since}` is the time the rehearsal began, in UTC."""

    command: str
    timeout: float = 20.0


@dataclass(frozen=True, kw_only=True)
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
