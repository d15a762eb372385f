"""One service in its container."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import psutil

from harness.model.memory import Ceiling, MemoryReading
from harness.model.service import Service
from harness.model.stage import Ending, Logged
from harness.stage.agent_channel import Agent
from harness.stage.container_command import ContainerCommand
from harness.stage.container_log import engine_log
from harness.stage.engine import is_podman
from harness.stage.healthcheck import passes
from harness.stage.memory_files import Cgroup, ceilings
from harness.stage.memory_kills import KillsHeard
from harness.stage.memory_stats import from_stats
from harness.stage.memory_stream import Stream, stream
from harness.stage.observed import Observed
from harness.stage.readiness import Predicate, all_of

GRACE = 20
KILLED = 137


class ContainerService(Observed):
    """One service in its container."""

    address: tuple[str, int]

    def __init__(self, service: Service, container: Any, image: str, agent: Agent) -> None:
        super().__init__(service, agent)
        self.image, self._container = image, container
        self._kills = KillsHeard(container)
        self._commands: list[ContainerCommand] = []
        self._stream: Stream | None = None
        self._look()

    def _look(self) -> None:
        """Reads where the engine has put it: its process, its memory files, its published port."""
        self._oom_kills, self._killed_here = 0, False
        self._container.reload()
        self._pid = int(self._container.attrs["State"]["Pid"])
        try:
            self._cgroup: Cgroup | None = Cgroup(self._pid)
        except OSError:  # it ended at once, or the engine runs on another machine
            self._cgroup = None
        self._stream, self._streams = None, self._cgroup is None
        published = self._container.attrs["NetworkSettings"]["Ports"].get(f"{self._service.port}/tcp")
        if published:
            self.address = ("127.0.0.1", int(published[0]["HostPort"]))
        else:  # it has ended already: waiting for it will say so, with its log
            self.address = ("127.0.0.1", 0)

    def _ready(self) -> Predicate:
        """Its health check first, where it has one."""
        check, ready = self._service.healthcheck, super()._ready()
        return all_of(passes(self._container, check), ready) if check else ready

    def revive(self) -> None:
        """Starts the container again, with all that is on its disk."""
        self._kills.next_life()
        self._container.start()
        self._look()
        self.wait()

    def kill(self) -> None:
        """SIGKILL by the engine, and waits until the container has ended."""
        self._container.kill()
        self._killed_here = True
        self._container.wait(timeout=GRACE)

    def freeze(self) -> None:
        """The engine's pause: the kernel's freezer holds every process of the container."""
        self._container.pause()

    def thaw(self) -> None:
        """The engine's unpause."""
        self._container.reload()
        if self._container.status == "paused":
            self._container.unpause()

    def start(self, words: Sequence[str], *, aside: bool = False) -> ContainerCommand:
        """Starts it inside, as `docker exec` does."""
        command = ContainerCommand(self._container, words, aside)
        self._commands = [one for one in self._commands if not one.wait(0)] + [command]
        return command

    def at_work(self) -> int:
        """How many commands run."""
        return sum(not one.wait(0) and not one.aside for one in self._commands)

    def ending(self) -> Ending | None:
        """How it ended, or None while it runs. The kernel's own counter decides whether memory was the reason."""
        if self._cgroup is not None and psutil.pid_exists(self._pid):
            return None
        self._container.reload()
        state = self._container.attrs["State"]
        if state["Running"]:
            return None
        for_memory: bool | None = bool(state["OOMKilled"]) or self._oom_kills > 0
        if not for_memory and state["ExitCode"] == KILLED and not self._killed_here:
            for_memory = None if is_podman(self._container.client.api) else self._kills.in_this_life()
        return Ending(exit_code=state["ExitCode"], oom_killed=for_memory)

    def memory(self, *, deep: bool = False) -> MemoryReading | None:
        """What it holds: from the kernel's files, else from a loop inside or beside it, else from the engine."""
        reading = self._cgroup.reading(deep=deep) if self._cgroup else self._from_afar()
        if reading is not None:
            self._oom_kills = reading.oom_kills or self._oom_kills
        return reading

    def _from_afar(self) -> MemoryReading | None:
        """Where its memory files are not seen from here."""
        if self._streams:
            self._streams = False  # one try for each life of the container
            with suppress(OSError):
                self._stream = stream(self._container)
        return self._stream.read() if self._stream else from_stats(self._container)

    def oom_events(self) -> int | None:
        """The engine's own `oom` events for this container, up to now."""
        return self._kills.events()

    def pids(self) -> list[int]:
        """Its processes; empty where this machine does not see them."""
        return [] if self._cgroup is None else self._cgroup.pids()

    def ceilings(self) -> list[Ceiling]:
        """The limits of its processes; empty where this machine does not see them."""
        return ceilings(self.pids())

    def logged(self) -> Logged:
        """Its output, head and tail."""
        return engine_log(self._container, bounded=True)
