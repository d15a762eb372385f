"""One build of an image, from its beginning to its end: also where that comes by force.

    Step 2/3 : RUN pip install ...          the step that it is at
     ---> Running in 0011b6b89cb6           the container of the step: it has our mark in its environment
     ---> 2c5821c41edf                      the image of the step

A build that fails leaves the images of its first steps, as `docker build` does: the next one goes on from there. One
that is broken off (its time is up, or Ctrl-C) leaves nothing.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

import docker
import requests
from docker.errors import APIError, BuildError, DockerException

from harness.stage.leash import look_into_the_engine
from harness.stage.watchdog import BUILD_MARK, remove_builds

LAST_LINES = 15
_IMAGE = re.compile(r"^ ---> ([0-9a-f]{12})$")


class Building:
    """A build of `what`, and what it has said so far."""

    def __init__(self, client: docker.DockerClient, what: str) -> None:
        self._client, self._api, self._what = client, client.api, what
        self.lines: list[str] = []

    def run(self, buildargs: Mapping[str, str], **order: Any) -> None:
        """Builds to the end. Raises BuildError, APIError or TypeError."""
        owner = look_into_the_engine()
        args = {**buildargs, "NO_PROXY": _joined(buildargs.get("NO_PROXY"), BUILD_MARK.format(owner))}
        try:
            with answers_closed(self._client):
                for chunk in self._api.build(buildargs=args, rm=True, forcerm=True, decode=True, **order):
                    self.lines += str(chunk.get("stream", "")).splitlines()
                    if "error" in chunk:
                        raise BuildError(chunk["error"], [])
        except Exception:
            raise
        except BaseException as problem:
            problem.add_note(self._where())
            with contextlib.suppress(DockerException, requests.RequestException):  # it may be away as well
                self._remove(owner)
            raise

    @property
    def last_lines(self) -> str:
        """The last of what it has said, indented."""
        told = [line for line in self.lines if line.strip()]
        return "\n".join("    | " + line for line in told[-LAST_LINES:])

    def _where(self) -> str:
        step = next((line for line in reversed(self.lines) if line.startswith("Step ")), "nothing was said")
        return f"{self._what} was at: {step}\n{self.last_lines}"

    def _remove(self, owner: str) -> None:
        """Removes the container of its step and the images that it has made, the last first. The engine removes the
        container by itself once it notices that nobody listens, but for one that it is just about to start."""
        remove_builds(self._client, owner)
        for image in reversed([*self._made()]):
            with contextlib.suppress(APIError):  # it is in use: somebody else builds the same
                self._api.remove_image(image, noprune=True)

    def _made(self) -> Iterator[str]:
        """The images that were neither in the cache nor in the engine."""
        there = True
        for line in self.lines:
            if line.startswith("Step "):
                there = " FROM " in line.upper()
            elif line == " ---> Using cache":
                there = True
            elif not there and (image := _IMAGE.match(line)):
                yield image[1]


def _joined(hosts: str | None, more: str) -> str:
    return f"{hosts},{more}" if hosts else more


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
