"""What both stages share of a service under observation: its agent, and holding it still for a moment."""

from __future__ import annotations

from pathlib import Path

from harness.model.attached import Conduct
from harness.model.stage import Logged
from harness.stage.agent_channel import Agent
from harness.stage.family import hold, let_go
from harness.stage.memory_files import runtime


class Observed:
    """A service whose processes can be listed, with or without the memory agent."""

    conduct: Conduct | None = None

    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        self._held: list[int] = []
        self._heap: int | None = None

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
