"""A command inside a running container, as `docker exec` starts it."""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
from threading import Thread
from typing import Any

import requests
from docker.errors import DockerException

from harness.errors import EnvironmentProblem
from harness.stage.logs import HeadAndTail

TOLD_WITHIN = 2.0
"""Seconds from the end of its output until the engine knows how it ended."""


class ContainerCommand:
    """One command; its output is read as it comes. It ends with its container."""

    def __init__(self, container: Any, words: Sequence[str], aside: bool) -> None:
        self.aside = aside
        self._api = container.client.api
        self._kept = HeadAndTail()
        self._code: int | None = None
        try:
            self._id = self._api.exec_create(container.id, list(words), stdin=False)["Id"]
            stream = self._api.exec_start(self._id, stream=True)
        except (DockerException, requests.RequestException) as problem:
            raise EnvironmentProblem(
                f"`{shlex.join(words[:3])}` could not be started in the container: {str(problem)[:300]}",
                expected="a container that runs, and has that program",
            ) from problem
        self._reader = Thread(target=self._read, args=(stream,), daemon=True)
        self._reader.start()

    def wait(self, seconds: float) -> bool:
        """Whether it has ended by then."""
        self._reader.join(seconds)
        return not self._reader.is_alive()

    @property
    def exit_code(self) -> int | None:
        """How it ended, 137 for a kill; None while it runs, or where the engine no longer tells."""
        return self._code

    def output(self) -> bytes:
        """Its output, head and tail."""
        return self._kept.kept()

    def _read(self, stream: Any) -> None:
        try:
            for chunk in stream:
                self._kept.take(chunk)
        except (DockerException, requests.RequestException, OSError, ValueError):
            pass  # the container has ended, and the stream with it: the exit code tells
        until = time.monotonic() + TOLD_WITHIN
        while self._code is None and time.monotonic() < until:
            try:
                self._code = self._api.exec_inspect(self._id)["ExitCode"]
            except (DockerException, requests.RequestException):
                return  # the container was started again, or is gone, and so is what the engine knew of it
            time.sleep(0.01)
