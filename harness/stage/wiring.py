"""How services find each other: the places in a service's environment and command that name others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from harness.errors import UsageError
from harness.model.redaction import SECRET_NAME, SECRETS
from harness.model.secret import Secret
from harness.model.service import Service, Verbatim

_PLACE = re.compile(r"\{(\w+)(?:\.(\w+))?\}")


@dataclass(frozen=True)
class Address:
    """Where a service can be reached from inside the stage."""

    host: str
    port: int
    scheme: str = "http"

    @property
    def url(self) -> str:
        """Its address as a URL without a path."""
        return f"{self.scheme}://{self.host}:{self.port}"

    @classmethod
    def of(cls, service: Service, host: str, port: int) -> Address:
        """The address of `service`, which is reached at `host` and `port`."""
        return cls(host, port, "https" if service.tls else "http")


def fill(
    text: str, addresses: Mapping[str, Address], known: Mapping[str, object], own: Mapping[str, str]
) -> str | None:
    """`text` with its `{service.url}`, `{service.host}`, `{service.port}` and own `{word}` places filled in.

    None where it names a service of the scenario that takes no part in this stage. Raises UsageError for a name
    that the scenario does not have.
    """
    missing = False

    def value(match: re.Match[str]) -> str:
        nonlocal missing
        name, part = match[1], match[2] or ""
        if not part and name in own:
            return own[name]
        if name in addresses and part in ("url", "host", "port"):
            return str(getattr(addresses[name], part))
        if name in known and part in ("url", "host", "port"):
            missing = True
            return ""
        words = [*(f"{service}.url" for service in known), *own]
        raise UsageError(
            f"{text!r} names {match[0]}, which is not there",
            expected=f"one of {', '.join('{' + word + '}' for word in words)} (or .host, .port)",
            fix="mend the name, or double nothing: other braces are left as they are",
        )

    filled = _PLACE.sub(value, text)
    return None if missing else filled


def _filled(
    value: str | Secret, addresses: Mapping[str, Address], known: Mapping[str, object], own: Mapping[str, str]
) -> str | None:
    if isinstance(value, Secret):
        return value.reveal()
    return value if isinstance(value, Verbatim) else fill(value, addresses, known, own)


def environment(
    env: Mapping[str, str | Secret],
    addresses: Mapping[str, Address],
    known: Mapping[str, object],
    own: Mapping[str, str],
) -> dict[str, str]:
    """An environment with its places filled and its secrets revealed. Entries that name a service not on this stage
    are left out."""
    filled = {name: _filled(value, addresses, known, own) for name, value in env.items()}
    found = {name: text for name, text in filled.items() if text is not None}
    SECRETS.add_named(found, SECRET_NAME)
    return found
