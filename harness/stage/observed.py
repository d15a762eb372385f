"""What both stages share of a service under observation: waiting for it, its agent, and holding it still."""

from __future__ import annotations

from pathlib import Path

from harness.model.attached import Conduct
from harness.model.service import Service
from harness.model.stage import Ending, Logged
from harness.stage.agent_channel import Agent
from harness.stage.family import hold, let_go
from harness.stage.memory_files import runtime
from harness.stage.readiness import Predicate, answers, wait_until_done, wait_until_ready


class Observed:
    """A service whose processes can be listed, with or without the memory agent."""

    conduct: Conduct | None = None
    address: tuple[str, int]

    def __init__(self, service: Service, agent: Agent) -> None:
        self.name, self.memory_limit = service.name, service.memory_bytes
        self.agent, self._service = agent, service
        self._held: list[int] = []
        self._heap: int | None = None

    def ending(self) -> Ending | None:
        """How it ended, or None while it runs."""
        raise NotImplementedError

    def _ready(self) -> Predicate:
        """What is asked of it until it is ready."""
        return answers(self.address, self._service.ready, tls=bool(self._service.tls))

    def wait(self) -> None:
        """Returns once it is ready, or has ended well where it runs once. Raises EnvironmentProblem."""
        longest = self._service.ready_seconds
        if self._service.runs_once:
            wait_until_done(self.name, ending=self.ending, logs=self.logs, timeout=longest)
        else:
            wait_until_ready(self.name, self._ready(), ending=self.ending, logs=self.logs, timeout=longest)

    def pids(self) -> list[int]:
        """Its processes, as this machine numbers them; empty where they are not seen."""
        raise NotImplementedError

    def logged(self) -> Logged:
        """What it wrote, and how much."""
        raise NotImplementedError

    def logs(self) -> bytes:
        """Its output, head and tail."""
        return self.logged().kept

    def oom_events(self) -> int | None:
        """What the engine has told of; None without an engine."""
        return None

    def runtime(self) -> str:
        """What its processes run on, as far as it shows."""
        return runtime(self.pids())

    def live_heap(self) -> int | None:
        """Live heap bytes, by the agent; while it is held, those from just before."""
        return self._heap if self._held else self.agent.live_heap()

    def ask_agent(self, words: str) -> dict[int, dict[str, object]]:
        """What the agent answers in each of its processes."""
        return self.agent.ask(words)

    def captures(self) -> list[Path]:
        """The captures its processes have made."""
        return self.agent.captures()

    def hold(self) -> bool:
        """Stops its processes; False where none is seen or none may be stopped."""
        self._heap = self.agent.live_heap()
        try:
            self._held = hold(self.pids())
        except (PermissionError, FileNotFoundError):
            return False
        return bool(self._held)

    def let_go(self) -> None:
        """Lets them run on."""
        let_go(self._held)
        self._held = []
