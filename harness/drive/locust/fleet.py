"""The fleet: Locust's master and workers as child processes, started, watched and ended here.

A worker that dies is replaced; the one in its place reads the slate that it left. All children hold the end of a
pipe, and end when this process does, whatever ends it.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from harness.drive.locust import terms
from harness.drive.locust.terms import Order
from harness.drive.locust.workers import PLAY, QUIET, Child, Workers, spawn_locust
from harness.errors import EnvironmentProblem, HarnessError, TimeBudgetSpent

POLL = 0.05
LISTEN_WITHIN, END_WITHIN = 60.0, 15.0
STALLED = 120.0
"""Seconds without any item coming to an end, and without a worker joining, after which a play counts as stuck."""


def must_have_locust() -> None:
    """Raises EnvironmentProblem where Locust is not installed. It is looked for, and not imported."""
    if importlib.util.find_spec("locust") is None:
        raise EnvironmentProblem(
            "Locust is not installed",
            expected="the optional part `load`",
            fix="pip install 'rehearse[load]'",
        )


Note = dict[str, Any]


class Fleet:
    """A play: the master and its workers, from the start to the end of a `with`.

    order    what is played
    folder   an empty folder of its own, for what the processes tell each other
    bind     where the master listens, for workers on other machines too
    local    how many workers are started here
    extra    further environment of the children (who owns them, so that a watchdog finds them)
    """

    def __init__(
        self,
        order: Order,
        folder: Path,
        *,
        local: int | None = None,
        bind: tuple[str, int] = ("127.0.0.1", 0),
        locustfile: Path = PLAY,
        extra: Mapping[str, str] | None = None,
    ) -> None:
        must_have_locust()
        self.order, self.folder = order, folder
        self.local = order.workers if local is None else local
        self.bind, self.locustfile = bind, locustfile
        self.extra = {**(extra or {}), **({} if locustfile == PLAY else {terms.OWN: "1"})}
        self.notes: list[Note] = []
        self._read = 0
        self.workers: Workers | None = None
        self.master: Child | None = None

    def __enter__(self) -> Fleet:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "order.json").write_bytes(msgspec.json.encode(self.order))
        host, port = self.bind
        words = [
            "-f",
            str(self.locustfile),
            "--master",
            "--master-bind-host",
            host,
            "--master-bind-port",
            str(port),
        ]
        words += ["-s", "30", *QUIET, *(["-H", self.order.host] if self.order.host else [])]
        told = {terms.FOLDER: str(self.folder), **self.extra}
        self.master = Child(spawn_locust(words, self.folder / "master.log", told))
        try:
            port = self._until("listening", time.monotonic() + LISTEN_WITHIN)["port"]
            to = "127.0.0.1" if host in ("127.0.0.1", "0.0.0.0", "*") else host
            self.workers = Workers(self.folder, (to, port), self.locustfile, self.extra)
            self.workers.start(self.local)
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    @property
    def port(self) -> int:
        """Where the master listens."""
        assert self.workers is not None
        return self.workers.master[1]

    def begun(self, deadline: float) -> float:
        """Waits until the first step is under way; the beginning of the play on our monotonic clock (as near as a
        look every POLL seconds tells it)."""
        note = self._until("step", deadline)
        return time.monotonic() - float(note["t"])

    def stop(self) -> None:
        """Tells the master to deal no more."""
        (self.folder / "stop").touch()

    def wait(self, deadline: float, seen: Callable[[Note], None] = lambda note: None) -> None:
        """Waits for the end; `seen` is told of each note. Raises TimeBudgetSpent at the deadline."""
        self._until("end", deadline, seen)
        assert self.master is not None and self.workers is not None
        until = time.monotonic() + END_WITHIN
        while time.monotonic() < until and not (self.master.ended is not None and self.workers.all_ended):
            time.sleep(POLL)

    def of(self, what: str) -> Iterator[Note]:
        """The notes of one kind so far."""
        return (note for note in self.notes if note["what"] == what)

    def _until(self, what: str, deadline: float, seen: Callable[[Note], None] = lambda note: None) -> Note:
        assert self.master is not None
        moved, last = time.monotonic(), ""
        while True:
            ended = self.master.ended
            for note in self._new():
                seen(note)
                standing = json.dumps([note.get("count"), note["what"]])
                if standing != last:
                    moved, last = time.monotonic(), standing
            found = next(self.of(what), None)
            if found:
                return found
            if ended is not None:
                raise HarnessError(
                    f"Locust's master ended with exit code {ended}: {_tail(self.folder / 'master.log')}",
                    expected="a master that stays until the play is over",
                    fix=f"see {self.folder / 'master.log'}",
                )
            if time.monotonic() > deadline:
                raise TimeBudgetSpent(
                    f"the load still runs ({self._progress()})",
                    expected="an end within the time budget",
                    cause="answers are slow, or workers are missing",
                    fix="give a larger --budget, fewer users, or a higher rate",
                )
            if time.monotonic() - moved > STALLED and any(self.of("step")) and not self.order.open_ended:
                raise HarnessError(
                    f"no item of the load came to an end for {STALLED:g} s: {_tail(self.folder / 'worker.log')}",
                    expected="users that take their items, and answers within the load's timeout",
                    cause="the locustfile takes no next_user(), or a worker that holds items can no longer be asked",
                    fix="mend the locustfile, or see that the workers reach this machine",
                )
            if self.workers is not None:
                self.workers.look()
            time.sleep(POLL)

    def _new(self) -> list[Note]:
        path = self.folder / "notes.jsonl"
        if not path.exists():
            return []
        with path.open("rb") as file:
            file.seek(self._read)
            lines = file.read()
        whole = lines[: lines.rfind(b"\n") + 1]
        self._read += len(whole)
        found = [json.loads(line) for line in whole.splitlines()]
        self.notes += [note for note in found if note["what"] != "progress"]
        return found

    def _progress(self) -> str:
        return f"{sum(1 for _ in self.of('joined'))} of {self.order.workers} workers have joined"

    def _close(self) -> None:
        if self.workers is not None:
            self.workers.end()
        if self.master is not None:
            self.master.end()

    def clear(self) -> None:
        """Removes the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _tail(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    return lines[-1][:300] if lines else "it wrote nothing"
