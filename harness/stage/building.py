"""One build of an image, from its beginning to its end: also where that comes by force.

    Step 2/3 : RUN pip install ...          the step that it is at
     ---> Running in 0011b6b89cb6           the container of the step
     ---> 2c5821c41edf                      the image of the step

A build that fails leaves the images of its first steps, as `docker build` does: the next one goes on from there. One
that is broken off (its time is up, or Ctrl-C) leaves nothing.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator
from typing import Any

import docker
import requests
from docker.errors import APIError, BuildError, DockerException, NotFound

LAST_LINES = 15
GONE_WITHIN = 5.0
"""So long the engine may take to remove the container of a build that nobody waits for any more."""
POLL = 0.1
_IMAGE, _CONTAINER = re.compile(r"^ ---> ([0-9a-f]{12})$"), re.compile(r"^ ---> Running in ([0-9a-f]{12})$")


class Building:
    """A build of `what`, and what it has said so far."""

    def __init__(self, client: docker.DockerClient, what: str) -> None:
        self._client, self._api, self._what = client, client.api, what
        self.lines: list[str] = []

    def run(self, **order: Any) -> None:
        """Builds to the end. Raises BuildError, APIError or TypeError."""
        before = {found["Id"] for found in self._api.images(all=True)}
        try:
            with answers_closed(self._client):
                for chunk in self._api.build(rm=True, forcerm=True, decode=True, **order):
                    self.lines += str(chunk.get("stream", "")).splitlines()
                    if "error" in chunk:
                        raise BuildError(chunk["error"], [])
        except Exception:
            raise
        except BaseException as problem:
            problem.add_note(self._where())
            with contextlib.suppress(
                DockerException, requests.RequestException
            ):  # the engine may be away as well
                self._remove_all_but(before)
            raise

    @property
    def last_lines(self) -> str:
        """The last of what it has said, indented."""
        return "\n".join(
            "    | " + line for line in [line for line in self.lines if line.strip()][-LAST_LINES:]
        )

    def _where(self) -> str:
        step = next((line for line in reversed(self.lines) if line.startswith("Step ")), "nothing was said")
        return f"{self._what} was at: {step}\n{self.last_lines}"

    def _remove_all_but(self, before: set[str]) -> None:
        """Removes the container of its step and the images that it has made, the last first. The engine removes the
        container by itself, once it notices that nobody listens."""
        until = time.monotonic() + GONE_WITHIN
        for container in self._said(_CONTAINER)[-1:]:
            while self._is_there(container) and time.monotonic() < until:
                time.sleep(POLL)
            with contextlib.suppress(NotFound):
                self._api.remove_container(container, force=True, v=True)
        for image in reversed(self._said(_IMAGE)):
            with contextlib.suppress(APIError):  # it is in use: somebody else builds the same
                found = self._api.inspect_image(image)
                if found["Id"] not in before and not found["RepoTags"]:
                    self._api.remove_image(image, noprune=True)

    def _is_there(self, container: str) -> bool:
        try:
            self._api.inspect_container(container)
        except NotFound:
            return False
        return True

    def _said(self, pattern: re.Pattern[str]) -> list[str]:
        return [found[1] for found in map(pattern.match, self.lines) if found]


@contextlib.contextmanager
def answers_closed(client: docker.DockerClient) -> Iterator[None]:
    """At the end of the `with` the engine's answers are closed, read or not: it then ends what nobody waits for."""
    answers: list[requests.Response] = []

    def keep(answer: requests.Response, *_: Any, **__: Any) -> None:
        answers.append(answer)

    client.api.hooks["response"].append(keep)
    try:
        yield
    finally:
        client.api.hooks["response"].remove(keep)
        for answer in answers:
            answer.close()
