"""Locust in processes of its own: a child, and the workers of one machine, of which those that die are replaced."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.drive.locust import terms
from harness.errors import HarnessError

PLAY = Path(__file__).parents[2] / "locust_users" / "play.py"
MOST_SUCCESSORS = 20
QUIET = ("--headless", "--only-summary", "--loglevel", "WARNING")


@dataclass
class Child:
    """One process of the fleet; `slate` is a worker's."""

    process: subprocess.Popen[bytes]
    slate: Path | None = None

    @property
    def ended(self) -> int | None:
        """Its exit code, or None while it runs."""
        return self.process.poll()

    def end(self) -> None:
        """Asks it to end, then makes it."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(3)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()
        if self.process.stdin:
            self.process.stdin.close()


@dataclass
class Workers:
    """The workers of one machine. `look` replaces those that have died.

    master       (host, port) of Locust's master
    deaths       how many have died and were replaced
    """

    folder: Path
    master: tuple[str, int]
    locustfile: Path = PLAY
    extra: Mapping[str, str] = field(default_factory=dict)
    children: list[Child] = field(default_factory=list)
    wills: list[Path] = field(default_factory=list)
    deaths: int = 0
    _made: int = 0

    def start(self, count: int) -> None:
        """Starts so many."""
        for _ in range(count):
            self.children.append(self._spawn())

    def look(self) -> None:
        """Replaces those who died; one that ended by itself (exit code 0) has been told to."""
        for at, child in enumerate(self.children):
            if child.ended not in (None, 0) and child.slate is not None:
                child.end()
                self.deaths += 1
                if child.slate.exists():
                    self.wills.append(child.slate)
                if self.deaths > MOST_SUCCESSORS:
                    raise HarnessError(
                        f"{self.deaths} load workers have died, the last with exit code {child.ended}",
                        expected="workers that stay",
                        fix=f"see {self.folder / 'worker.log'}",
                    )
                self.children[at] = self._spawn()

    @property
    def dismissed(self) -> bool:
        """Whether each was told to end, and has; one that died is none of these."""
        return all(child.ended == 0 for child in self.children)

    @property
    def all_ended(self) -> bool:
        """Whether none runs any more."""
        return all(child.ended is not None for child in self.children)

    def end(self) -> None:
        """Ends them all."""
        for child in self.children:
            child.end()

    def _spawn(self) -> Child:
        self._made += 1
        slate = self.folder / f"slate-{self._made}.bin"
        self.wills = [will for will in self.wills if will.exists()]
        host, port = self.master
        words = [
            "-f",
            str(self.locustfile),
            "--worker",
            "--master-host",
            host,
            "--master-port",
            str(port),
            *QUIET,
        ]
        told = {terms.SLATE: str(slate), terms.WILLS: os.pathsep.join(map(str, self.wills)), **self.extra}
        return Child(spawn_locust(words, self.folder / "worker.log", told), slate)


def spawn_locust(words: list[str], log: Path, told: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Locust in a process and session of its own, at the end of our pipe."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("LOCUST_", "PYTEST_"))
    }
    root = str(Path(__file__).parents[3])
    inherited["PYTHONPATH"] = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "locust", *words],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=log.parent,
            env={**inherited, "LOCUST_WORKER_LOG_REPORT_INTERVAL": "-1", **told},
            start_new_session=True,
        )
