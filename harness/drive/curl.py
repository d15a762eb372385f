"""A request as a command line that sends it again."""

from __future__ import annotations

import shlex

from harness.drive.messages import Request
from harness.model.request import Request as Plain

LEFT_OUT = frozenset({"host", "content-length", "user-agent", "accept", "cookie"})
MOST_BODY = 2_000


def curl(request: Request) -> str:
    """The line for a shell. The address is a variable, as it is another one on every stage, and so is a session's
    cookie."""
    base = request.service.upper()
    words = ["curl", "-i"]
    if request.method != "GET":
        words += ["-X", request.method]
    for name, value in request.headers:
        if name.lower() not in LEFT_OUT:
            words += ["-H", shlex.quote(f"{name}: {value}")]
    if any(name.lower() == "cookie" for name, _ in request.headers):
        words += ["-b", '"$COOKIES"']
    if request.body:
        content = Plain(request.method, request.target, request.headers, request.body).content()
        body = content[:MOST_BODY].decode(errors="replace")
        words += ["--data-raw", shlex.quote(body)]
    return " ".join([*words, f'"${base}"{shlex.quote(request.target[:MOST_BODY])}'])
