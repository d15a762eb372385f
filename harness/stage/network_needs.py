"""What a build needs to reach the network from here: proxies, and certificate authorities of one's own.

Both are given to builds only. A proxy goes by build arguments that every Dockerfile has without naming them; they are
part of no image and of no cache. A bundle of authorities is copied into each stage of a build, at a place of its own,
and named by build arguments in the variables that pip, curl, Python, Node and git read.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import docker

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")
BUNDLE_NAMED_BY = ("REHEARSE_CA_BUNDLE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE")
READ_BY_TOOLS = (
    "SSL_CERT_FILE",
    "PIP_CERT",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "GIT_SSL_CAINFO",
)
IN_CONTEXT = ".rehearse-authorities.pem"
IN_BUILD = "/rehearse-authorities.pem"
_FROM = re.compile(r"^\s*FROM\s", re.IGNORECASE)


def proxies(client: docker.DockerClient) -> dict[str, str]:
    """The proxies of this machine's environment, and of the user's Docker settings where those name others."""
    found: dict[str, str] = {}
    for name in PROXIES:
        value = os.environ.get(name) or os.environ.get(name.lower())
        if value:
            found |= {name: value, name.lower(): value}
    settings = client.api._proxy_configs.get_environment() if client.api._proxy_configs else {}
    return {**found, **{name: value for name, value in settings.items() if value}}


def private_bundle() -> Path | None:
    """The bundle of authorities that this environment names; None where it names none, or the file is not there."""
    named = (os.environ.get(name) for name in BUNDLE_NAMED_BY)
    return next((Path(path) for path in named if path and Path(path).is_file()), None)


def with_authorities(dockerfile: str) -> str:
    """A Dockerfile whose every stage trusts the bundle while it is built."""
    arguments = "".join(f"ARG {name}={IN_BUILD}\n" for name in READ_BY_TOOLS)
    told = f"COPY {IN_CONTEXT} {IN_BUILD}\n{arguments}"
    rows, goes_on = [], False
    for row in dockerfile.splitlines(keepends=True):
        rows.append(row if row.endswith("\n") else row + "\n")
        if _FROM.match(row) and not goes_on:
            rows.append(told)
        goes_on = row.rstrip().endswith("\\")
    return "".join(rows)
