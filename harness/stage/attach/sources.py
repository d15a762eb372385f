"""Where the memory and the logs of a service are read that nobody here has started."""

from __future__ import annotations

import os
import selectors
import shlex
import ssl
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from docker.errors import DockerException

from harness.errors import EnvironmentProblem, UsageError
from harness.model.memory import MemoryReading
from harness.model.stage import Logged
from harness.stage.attach.fetching import fetched
from harness.stage.attach.pinning import Place
from harness.stage.container_log import engine_log
from harness.stage.engine import Engine, find_engine
from harness.stage.logs import HeadAndTail, logged_in
from harness.stage.memory_files import Cgroup
from harness.stage.memory_metrics import samples, total
from harness.stage.memory_stats import from_stats

EVERY = 1.0
"""Seconds between two readings over HTTP or from an engine's statistics: staging is not ours to be busy with."""


@dataclass
class Metrics:
    """Memory from a page of Prometheus text."""

    place: Place
    tls: ssl.SSLContext | None
    series: str
    labels: dict[str, str]

    def read(self) -> MemoryReading | None:
        """What the series tells; None where it is not there."""
        page = fetched(self.place, self.tls)
        if isinstance(page, str):
            return None
        held = total(page.decode(errors="replace"), self.series, self.labels)
        return None if held is None else MemoryReading(held=held, source="metrics")


def series_of(text: str) -> tuple[str, dict[str, str]]:
    """`name{label="value"}` as a name and its labels. Raises UsageError."""
    name, brace, _ = text.partition("{")
    found = list(samples(f"{text} 0", name.strip()))
    if len(found) != 1 or (brace and not found[0][1]):
        raise UsageError(
            f"the series {text!r} cannot be read", expected='a name, or a name and labels: rss{pod="batch-0"}'
        )
    return name.strip(), found[0][1]


class EngineContainer:
    """A container of an engine that others use: it is looked at, and nothing else."""

    def __init__(self, name: str, find: Callable[[], Any] = find_engine) -> None:
        engine = find()
        if not isinstance(engine, Engine):
            raise EnvironmentProblem(
                f"no container engine answers: {engine.why}",
                expected=f"the engine that runs the container {name}",
                fix="set DOCKER_HOST, or name another source of memory",
            )
        try:
            self._container = engine.client.containers.get(name)
        except DockerException as problem:
            raise EnvironmentProblem(
                f"there is no container {name}: {problem}", expected="a container by that name, running"
            ) from problem
        self._since = int(time.time())
        self._cgroup = self._files()

    def _files(self) -> Cgroup | None:
        try:
            return Cgroup(int(self._container.attrs["State"]["Pid"]))
        except OSError:
            return None  # it runs on another machine

    @property
    def limit(self) -> int:
        """Its memory limit in bytes; 0 where it has none."""
        return int(self._container.attrs["HostConfig"].get("Memory") or 0)

    def read(self) -> MemoryReading | None:
        """What it holds; None once it is gone."""
        try:
            found = self._cgroup.reading(deep=False) if self._cgroup else from_stats(self._container)
        except (DockerException, OSError):
            return None
        return found

    def logs(self) -> Logged | str:
        """What it has written since the rehearsal began, or why that is not seen."""
        try:
            return engine_log(self._container, bounded=False, since=self._since)
        except (DockerException, OSError) as problem:
            return f"the engine does not tell its logs: {problem}"


@dataclass
class FileLog:
    """A log file: what is written to it from now on."""

    path: Path
    began: int = field(init=False)

    def __post_init__(self) -> None:
        self.began = self.path.stat().st_size if self.path.exists() else 0

    def logs(self) -> Logged | str:
        """What has been added, head and tail; a file that has been rotated is read from its beginning."""
        try:
            rotated = self.path.stat().st_size < self.began
            return logged_in(self.path, 0 if rotated else self.began)
        except OSError as problem:
            return f"{self.path} cannot be read: {problem.strerror}"


@dataclass
class CommandLog:
    """What a command writes to stdout; `{since}` in it is the time at which the rehearsal began."""

    command: str
    timeout: float
    since: str

    def logs(self) -> Logged | str:
        """Its output, head and tail."""
        words = [word.replace("{since}", self.since) for word in shlex.split(self.command)]
        try:
            code, told, errors = _run(words, self.timeout)
        except (OSError, subprocess.TimeoutExpired) as problem:
            return f"`{shlex.join(words)}` did not run: {problem}"
        if code:
            said = (errors.kept() or told.kept()).decode(errors="replace").strip()[-200:]
            return f"`{shlex.join(words)}` ended with {code}: {said}"
        return told.logged()


@dataclass
class QueryLog:
    """The answer to a GET."""

    place: Place
    tls: ssl.SSLContext | None

    def logs(self) -> Logged | str:
        """Its body, head and tail."""
        found = fetched(self.place, self.tls)
        if isinstance(found, str):
            return found
        keeping = HeadAndTail()
        keeping.take(found)
        return keeping.logged()


def _run(words: list[str], timeout: float) -> tuple[int, HeadAndTail, HeadAndTail]:
    """The exit code of a command and both ends of its output, on stdout and on stderr. Raises TimeoutExpired."""
    until, pipe = time.monotonic() + timeout, subprocess.PIPE
    with (
        subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe) as run,
        selectors.DefaultSelector() as streams,
    ):
        kept = HeadAndTail(), HeadAndTail()
        for stream, keeping in zip((run.stdout, run.stderr), kept, strict=True):
            assert stream is not None
            streams.register(stream, selectors.EVENT_READ, keeping)
        try:
            while streams.get_map():
                for key, _ in streams.select(_left(until, words, timeout)):
                    chunk = os.read(key.fd, 2**18)
                    key.data.take(chunk)
                    if not chunk:
                        streams.unregister(key.fileobj)
            return run.wait(_left(until, words, timeout)), *kept
        finally:
            run.kill()


def _left(until: float, words: list[str], timeout: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise subprocess.TimeoutExpired(words, timeout)
    return left
