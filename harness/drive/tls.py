"""TLS as a careful browser speaks it: the other side's certificate must be good, and be for the right name."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from functools import cache

from harness.errors import UsageError
from harness.model.scenario import Service


@dataclass(frozen=True)
class Tls:
    """How to speak TLS to one service: with this context, expecting a certificate for `name`."""

    context: ssl.SSLContext
    name: str


def tls_for(service: Service) -> Tls | None:
    """How to speak to `service`, or None where it speaks plain HTTP. Raises UsageError for unreadable authorities."""
    return _tls(service.tls, service.tls_name) if service.tls else None


@cache
def _tls(authorities: str, name: str) -> Tls:
    if authorities == "system":
        return Tls(ssl.create_default_context(), name)
    if authorities == "unchecked":
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return Tls(context, name)
    try:
        return Tls(ssl.create_default_context(cafile=authorities), name)
    except (OSError, ssl.SSLError) as problem:
        raise UsageError(
            f"the authorities in {authorities} cannot be read: {problem}",
            expected="certificates in PEM: those that may have signed the service's own, or that one itself",
            fix='mend the file, or write tls="unchecked"',
        ) from problem
