"""The one poll loop of the house: ask until the answer is yes, the service is dead, or time is up."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from collections.abc import Callable

from harness.errors import EnvironmentProblem
from harness.model.stage import Ending

Predicate = Callable[[], str]
"""Returns "" when it is satisfied, else what is still missing."""

LAST_LINES = 15


def wait_until_ready(
    name: str,
    satisfied: Predicate,
    *,
    ending: Callable[[], Ending | None],
    logs: Callable[[], bytes],
    timeout: float,
) -> None:
    """Returns once `satisfied`. Raises EnvironmentProblem that names the service and shows its last log lines."""
    deadline = time.monotonic() + timeout
    while missing := satisfied():
        ended = ending()
        if ended is not None:
            killed = ", killed by the kernel for its memory" if ended.oom_killed else ""
            raise EnvironmentProblem(
                f"service {name!r} ended with exit code {ended.exit_code}{killed} before it was ready;"
                f" its last lines:\n{tail(logs())}",
                expected="a service that stays up",
                cause="its own start failed: the lines above say where",
                fix="start it by hand with the same environment, or mend what its log names",
            )
        if time.monotonic() > deadline:
            raise EnvironmentProblem(
                f"service {name!r} was not ready within {timeout:g} s: {missing}; its last lines:\n{tail(logs())}",
                expected="an answer on its port (and 2xx or 3xx on its `ready` path)",
                cause="a wrong port or ready path, a dependency that it waits for, or a slow start",
                fix="compare `port` and `ready` in the scenario with what the log says it listens on",
            )
        time.sleep(0.05)


def wait_until_done(
    name: str, *, ending: Callable[[], Ending | None], logs: Callable[[], bytes], timeout: float
) -> None:
    """Returns once a service that runs once has ended well. Raises EnvironmentProblem."""
    deadline = time.monotonic() + timeout
    while (ended := ending()) is None:
        if time.monotonic() > deadline:
            raise EnvironmentProblem(
                f"service {name!r} runs once, and has not ended within {timeout:g} s;"
                f" its last lines:\n{tail(logs())}",
                expected="that it ends with exit code 0 before the others start",
                cause="it waits for something, or it is a service that goes on running",
                fix="give it more time with `ready_within`, or take `runs_once` away",
            )
        time.sleep(0.05)
    if ended.exit_code:
        raise EnvironmentProblem(
            f"service {name!r} runs once, and ended with exit code {ended.exit_code};"
            f" its last lines:\n{tail(logs())}",
            expected="exit code 0",
            cause="the lines above say it",
            fix="start it by hand with the same environment, or mend what its log names",
        )


def all_of(*predicates: Predicate) -> Predicate:
    """The first thing that is still missing of several."""
    return lambda: next(filter(None, (predicate() for predicate in predicates)), "")


def answers(address: tuple[str, int], path: str, *, tls: bool = False) -> Predicate:
    """A GET of `path` is answered with 2xx or 3xx; without a path, the port takes a connection and keeps it.
    Without a port there is nothing to ask.

    With `tls` whatever certificate is shown will do: whether it is good is asked by those who use the service.
    """

    def satisfied() -> str:
        if not address[1]:
            return ""
        try:
            return _get(address, path, tls) if path else _connects(address)
        except (OSError, http.client.HTTPException) as problem:
            said = f" ({problem})" if isinstance(problem, ssl.SSLError) else ""
            return f"{type(problem).__name__} on port {address[1]}{said}"

    return satisfied


def tail(log: bytes, lines: int = LAST_LINES) -> str:
    """The last lines of a log, indented, without control characters."""
    rows = log.decode(errors="replace").splitlines()[-lines:] or ["(it wrote nothing)"]
    return "\n".join("    | " + "".join(c for c in row if c.isprintable() or c == "\t")[:300] for row in rows)


def _get(address: tuple[str, int], path: str, tls: bool) -> str:
    connection = http.client.HTTPConnection(*address, timeout=2)
    if tls:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(*address, timeout=2, context=context)
    try:
        connection.request("GET", path)
        status = connection.getresponse().status
    finally:
        connection.close()
    return "" if 200 <= status < 400 else f"GET {path} is answered with status {status}"


def _connects(address: tuple[str, int]) -> str:
    # An engine's port forwarder accepts before the service listens, and then hangs up at once.
    with socket.create_connection(address, timeout=2) as connection:
        connection.settimeout(0.2)
        try:
            return "" if connection.recv(1) else "the connection is closed at once"
        except TimeoutError:
            return ""
