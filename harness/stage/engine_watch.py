"""Notices that the container engine went away while a stage was up, be it for a moment.

A restarted engine has ended every container. What the services then seem to do says nothing of them, and must become
neither a finding nor a pass: the rehearsal is aborted.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import docker
import requests
from docker.errors import DockerException

from harness.errors import EngineGone, HarnessError


class EngineWatch:
    """Holds a stream of the engine's events open; its end is the engine's, unless we end it."""

    def __init__(self, label: str) -> None:
        self.lost = False
        self._closing = False
        self._stream: Any = None
        with contextlib.suppress(DockerException, requests.RequestException):
            client = docker.from_env(timeout=20)
            client.api.timeout = None  # from here on it may be silent for as long as it likes
            self._stream = client.events(filters={"label": label})
            threading.Thread(target=self._listen, daemon=True, name="engine-watch").start()

    def _listen(self) -> None:
        with contextlib.suppress(Exception):  # however a torn stream shows: it is torn
            for _ in self._stream:
                pass
        self.lost = not self._closing

    def close(self) -> None:
        """Ends the stream."""
        self._closing = True
        if self._stream is not None:
            with contextlib.suppress(Exception):
                self._stream.close()


@contextlib.contextmanager
def engine_stays(label: str) -> Iterator[None]:
    """Around everything that is done on a stage. Raises EngineGone in the place of whatever else came of it, where
    the engine went away meanwhile."""
    watch = EngineWatch(label)
    try:
        yield
    except (DockerException, requests.RequestException) as problem:
        raise _gone(str(problem)) from problem
    except HarnessError as problem:
        if watch.lost:
            raise _gone(problem.seen) from problem
        raise
    finally:
        watch.close()
    if watch.lost:
        raise _gone("its stream of events ended")


def _gone(seen: str) -> EngineGone:
    return EngineGone(
        f"the container engine went away while services ran: {seen[:200]}",
        expected="an engine that stays up for the whole rehearsal",
        cause="it was restarted or updated, or it ended; what the services did then is not their doing",
        fix="rehearse once more; what could not be removed now is removed by the watchdog within two minutes, or by"
        " `rehearse gc`",
    )
