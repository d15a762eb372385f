"""A health check as compose files have it, asked by us: a command inside the container, until it succeeds once."""

from __future__ import annotations

import time
from typing import Any

from docker.errors import APIError

from harness.model.service import Healthcheck
from harness.stage.readiness import Predicate

POLL = 0.05


def passes(container: Any, check: Healthcheck) -> Predicate:
    """The command ends with exit code 0 within its time. Waits `interval` after each time that it does not."""
    words = ["/bin/sh", "-c", check.test] if isinstance(check.test, str) else list(check.test)

    def satisfied() -> str:
        try:
            missing = _run(container, words, check.timeout)
        except APIError as problem:  # the container has ended, or has no such program
            missing = f"its health check cannot be run: {str(problem.explanation)[:200]}"
        time.sleep(check.interval if missing else 0)
        return missing

    return satisfied


def _run(container: Any, words: list[str], timeout: float) -> str:
    api = container.client.api
    asked = api.exec_create(container.id, words)["Id"]
    api.exec_start(asked, detach=True)
    deadline = time.monotonic() + timeout
    while True:
        seen = api.exec_inspect(asked)
        if not seen["Running"]:
            code = seen["ExitCode"]
            return "" if code == 0 else f"its health check ends with exit code {code}"
        if time.monotonic() > deadline:
            return f"its health check does not end within {timeout:g} s"
        time.sleep(POLL)
