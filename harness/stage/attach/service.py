"""One service that somebody else has started: it is asked, and never touched."""

from __future__ import annotations

import time
from collections.abc import Sequence
from http.client import HTTPException
from pathlib import Path
from ssl import SSLContext
from typing import Protocol

from harness.errors import EnvironmentProblem
from harness.model.attached import Conduct
from harness.model.memory import Ceiling, MemoryReading
from harness.model.service import Service
from harness.model.stage import Ending, Logged, RunningCommand
from harness.stage.attach.fetching import fetch
from harness.stage.attach.pinning import Place
from harness.stage.attach.sources import EVERY
from harness.stage.readiness import wait_until_ready


class Memory(Protocol):
    """Where memory is read."""

    def read(self) -> MemoryReading | None:
        """One reading, or None."""


class Logs(Protocol):
    """Where logs are read."""

    def logs(self) -> Logged | str:
        """What was written since the rehearsal began, or why it is not seen."""


class AttachedService:
    """A service at its pinned address. What only its owner may do (end it, hold it, start it again) is refused."""

    image = "attached"

    def __init__(
        self, service: Service, place: Place, conduct: Conduct, memory: Memory | None, logs: Logs | None
    ) -> None:
        self.name, self.memory_limit = service.name, service.memory_bytes
        self.address = (place.address, place.wanted.port)
        self.conduct = conduct
        self.why_no_logs = "" if logs else "the scenario names no place where they are"
        self._service, self._place = service, place
        self._memory, self._logs = memory, logs
        self._read_at = 0.0

    def wait(self, tls: SSLContext | None, path: str) -> None:
        """Returns once it answers. Raises EnvironmentProblem, or Refused where it leads elsewhere."""

        def missing() -> str:
            try:
                found = fetch(self._at(path), tls, timeout=5)
            except (OSError, HTTPException) as problem:
                return f"GET {path} brings {problem or type(problem).__name__}"
            self.conduct.check_redirect(found.location)
            fine = 200 <= found.status < 400 or not self._service.ready
            return "" if fine else f"GET {path} is answered with status {found.status}"

        wait_until_ready(
            self.name,
            missing,
            ending=self.ending,
            logs=self.logs,
            timeout=min(self._service.ready_seconds, 30),
        )

    def _at(self, path: str) -> Place:
        wanted = self._place.wanted
        return Place(type(wanted)(wanted.scheme, wanted.host, wanted.port, path), self._place.address)

    def ending(self) -> Ending | None:
        """None: whether it has ended cannot be seen from here, only that it does not answer."""
        return None

    def revive(self) -> None:
        """Cannot be done."""
        raise self._not_ours("started again")

    def kill(self) -> None:
        """Cannot be done."""
        raise self._not_ours("ended")

    def freeze(self) -> None:
        """Cannot be done."""
        raise self._not_ours("frozen")

    def thaw(self) -> None:
        """Does nothing: it was not frozen."""

    def at_work(self) -> int:
        """None that would be ours."""
        return 0

    def start(self, words: Sequence[str], *, aside: bool = False) -> RunningCommand:
        """Cannot be done."""
        raise self._not_ours("given a command")

    def hold(self) -> bool:
        """False: it cannot be held still."""
        return False

    def let_go(self) -> None:
        """Does nothing: it was not held."""

    def memory(self, *, deep: bool = False) -> MemoryReading | None:
        """What it holds, read at most once a second, or whenever it is looked at closely; else None."""
        now = time.monotonic()
        if self._memory is None or (not deep and now - self._read_at < EVERY):
            return None
        self._read_at = now
        return self._memory.read()

    def oom_events(self) -> int | None:
        """None: the engine that runs it is not asked."""
        return None

    def runtime(self) -> str:
        """Nothing is seen from here."""
        return ""

    def ceilings(self) -> list[Ceiling]:
        """None is seen from here."""
        return []

    def pids(self) -> list[int]:
        """They are another machine's."""
        return []

    def live_heap(self) -> int | None:
        """None: no agent is put into what others have started."""
        return None

    def ask_agent(self, words: str) -> dict[int, dict[str, object]]:
        """Nothing: there is no agent."""
        return {}

    def captures(self) -> list[Path]:
        """None."""
        return []

    def logged(self) -> Logged:
        """What it has written since the rehearsal began; empty where that is not seen, see `why_no_logs`."""
        found = self._logs.logs() if self._logs else self.why_no_logs
        if isinstance(found, str):
            self.why_no_logs = found
            return Logged(kept=b"", written=0)
        return found

    def logs(self) -> bytes:
        """The same, without how much it was."""
        return self.logged().kept

    def _not_ours(self, what: str) -> EnvironmentProblem:
        return EnvironmentProblem(
            f"{self.name} is attached: it cannot be {what} from here",
            expected="a service that this rehearsal has started",
            fix="rehearse that with --stage docker or process",
        )
