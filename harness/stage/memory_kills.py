"""What the engine's events tell of kills for memory in one container."""

from __future__ import annotations

import time
from typing import Any

from docker.errors import DockerException

EARLIER = 60  # the engine starts it before we hear of it; its events are asked for by the container's own id
HEARD_WITHIN = 1.0


class KillsHeard:
    """Counts the engine's `oom` events of a container, from its first life on."""

    def __init__(self, container: Any) -> None:
        self._container = container
        self._born = time.time() - EARLIER
        self._before = 0
        self._told: bool | None = None

    def events(self) -> int | None:
        """How many there were up to now; None where the engine does not tell."""
        wanted = {"container": self._container.id, "event": "oom"}
        try:
            told = self._container.client.api.events(since=self._born, until=time.time(), filters=wanted)
            return sum(len(part.splitlines()) for part in told)
        except (DockerException, OSError):
            return None

    def next_life(self) -> None:
        """It is about to be started again: what was heard until now belongs to the life before."""
        self._before, self._told = self.events() or 0, None

    def in_this_life(self) -> bool:
        """Whether there was one in the life that has ended. With cgroup v2 the engine hears of a kill apart from the
        end, and at times after it: its flag OOMKilled then stays false, and the event is waited for."""
        until = time.monotonic() + HEARD_WITHIN
        while self._told is None:
            if (self.events() or 0) > self._before:
                self._told = True
            elif time.monotonic() > until:
                self._told = False
            else:
                time.sleep(0.05)
        return self._told
