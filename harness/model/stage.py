"""What a stage shows to the rest of the house: services that run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct

from harness.model.attached import Conduct
from harness.model.memory import Ceiling, MemoryReading


class Ending(Struct, frozen=True):
    """How a service ended: its exit code, and whether the kernel killed it for its memory (None: cannot tell)."""

    exit_code: int | None
    oom_killed: bool | None


class Logged(Struct, frozen=True):
    """What a service wrote to stdout and stderr.

    kept      at most the first 1 MiB and the last 4 MiB; a line tells what was left out between
    written   how many bytes there were; `whole` is False where there were more that nobody has any longer. None: the
              engine drops what is old without a trace
    rate      then, bytes a second at last, where that could be told
    """

    kept: bytes
    written: int | None
    whole: bool = True
    rate: float | None = None


class RunningCommand(Protocol):
    """A command that was started in a service's container, or beside its process."""

    def wait(self, seconds: float) -> bool:
        """Whether it has ended, after at most so many seconds."""

    @property
    def exit_code(self) -> int | None:
        """How it ended, -9 or 137 for a kill; None while it runs, and where its end was not seen."""

    def output(self) -> bytes:
        """What it has written to stdout and stderr: the first 1 MiB and the last 4 MiB."""


class RunningService(Protocol):
    """One service that was started."""

    @property
    def name(self) -> str:
        """Its name in the scenario."""

    @property
    def address(self) -> tuple[str, int]:
        """(host, port) where it can be reached from here."""

    @property
    def conduct(self) -> Conduct | None:
        """What may be sent to it, where it is not ours; None: whatever one likes."""

    def ending(self) -> Ending | None:
        """How it ended, or None while it runs."""

    def revive(self) -> None:
        """Starts it again on the same data after it has ended, and waits until it is ready. Its `address` may
        be another one afterwards. Raises EnvironmentProblem where it does not come up."""

    def kill(self) -> None:
        """Ends it as a power cut would (SIGKILL), and waits until it is gone. `revive` starts it again."""

    def freeze(self) -> None:
        """Stops it in its tracks: connections are taken and kept, and nothing is answered until `thaw`."""

    def thaw(self) -> None:
        """Lets it go on after `freeze`. Does nothing where it is not frozen."""

    def at_work(self) -> int:
        """How many commands run that were started here and not `aside`."""

    def start(self, words: Sequence[str], *, aside: bool = False) -> RunningCommand:
        """Starts a command with the service's folder and environment. It is killed, frozen and ended with it.
        Raises EnvironmentProblem where it cannot be started (no such program; too many arguments)."""

    def memory(self, *, deep: bool = False) -> MemoryReading | None:
        """What it holds; `deep` counts pages that processes share once, and costs some ms. None: unreadable."""

    def oom_events(self) -> int | None:
        """How often the engine has told that it ran out of memory, since it was started; None: no engine tells."""

    def ceilings(self) -> list[Ceiling]:
        """The limits its processes stand under by themselves."""

    def runtime(self) -> str:
        """What its processes run on: python, node, jvm, jemalloc (any program that uses it), native; "": unknown."""

    def pids(self) -> list[int]:
        """Its processes, as this machine numbers them; empty where they are not seen."""

    def live_heap(self) -> int | None:
        """Bytes that live in its heap after garbage collection; None without the memory agent."""

    def ask_agent(self, words: str) -> dict[int, dict[str, object]]:
        """What the memory agent answers, by process; empty without one."""

    def captures(self) -> list[Path]:
        """The captures of allocations that its processes have made; they go when the stage does."""

    def hold(self) -> bool:
        """Stops it where it is, for a moment; False where that is not possible."""

    def let_go(self) -> None:
        """Lets it run on after `hold`."""

    def logs(self) -> bytes:
        """What it wrote to stdout and stderr: at most the first 1 MiB and the last 4 MiB."""

    def logged(self) -> Logged:
        """The same, with how much it was."""


class Tap(Protocol):
    """The tee before one service: see harness.tap."""

    def recognise(self, items: Iterable[str]) -> None:
        """Has the journal name these users where they stand in a request."""

    def play(self, fault: str, **rule: Any) -> None:
        """Turns a fault on; the rule says for which requests (see harness.tap.rules)."""

    def clear(self) -> int:
        """Turns all faults off; how often they were played."""

    def hits(self) -> int:
        """How often the faults that are on have been played so far."""

    def exchanges(self) -> list[dict[str, Any]]:
        """The exchanges that are new since the last call."""


class Stage(Protocol):
    """The services up and reachable."""

    @property
    def kind(self) -> str:
        """docker, process or attach."""

    @property
    def services(self) -> Mapping[str, RunningService]:
        """The services by name."""

    @property
    def entries(self) -> Mapping[str, str]:
        """Which service a request for `live.<name>` enters at: the gateway in front, or the service itself."""

    @property
    def taps(self) -> Mapping[str, Tap]:
        """The taps by the service that each stands before."""


class OpenStage(Protocol):
    """What opens a fresh stage, with a tap before each of the services named."""

    def __call__(self, tapped: Collection[str] = ()) -> AbstractContextManager[Stage]:
        """The stage, as a context."""
