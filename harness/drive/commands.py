"""A command as the way to start a batch: it runs in the service's container, or beside its process, until it ends."""

from __future__ import annotations

import hashlib
import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.errors import EnvironmentProblem, UsageError
from harness.model.exchange import Exchange, Fate, Sizes
from harness.model.stage import RunningCommand, RunningService

LOOK_EVERY = 0.02
LONGEST = 3600.0
"""Seconds for a command, where nobody looks on who could tell that it hangs."""


@dataclass
class Commands:
    """How commands are run on a stage.

    service     gives a service of it by name
    meanwhile   looks on while one runs; False: nothing has moved for so long that it is no longer waited for
    """

    service: Callable[[str], RunningService]
    meanwhile: Callable[[], bool] = lambda: True

    def run(self, name: str, words: Sequence[str], *, aside: bool, timeout: float) -> tuple[Exchange, bytes]:
        """Runs it to its end. One that cannot be started, or no longer gets on, is told in the exchange."""
        began, given = time.monotonic(), list(words)
        if not given or not all(isinstance(word, str) for word in given):
            raise UsageError(
                f"live.{name}.run({words!r:.200})",
                expected="the command and its arguments, as a list of text",
            )
        try:
            command = self.service(name).start(given, aside=aside)
        except EnvironmentProblem as problem:
            return _told(name, given, b"", None, problem.seen, 0.0), b""
        look = _nobody if aside else self.meanwhile
        while not command.wait(LOOK_EVERY):
            if not look() or time.monotonic() - began > timeout:
                break
        return _ended(name, given, command, time.monotonic() - began)


def _nobody() -> bool:
    return True


def _ended(name: str, words: list[str], command: RunningCommand, seconds: float) -> tuple[Exchange, bytes]:
    output, error = command.output(), ""
    if not command.wait(0):
        error = f"it still runs after {seconds:.0f} s, and nothing moves"
    elif command.exit_code is None:
        error = "it has ended, and its exit code was not seen"
    return _told(name, words, output, command, error, seconds), output


def _told(
    name: str, words: list[str], output: bytes, command: RunningCommand | None, error: str, seconds: float
) -> Exchange:
    line = shlex.join(words).encode()
    fate: Fate = "closed" if not error else "refused" if command is None else "timeout"
    return Exchange(
        service=name,
        method="RUN",
        path=shlex.join(words[:3])[:200],
        sizes=Sizes(
            line=len(line), target=len(words[0].encode()), head=len(line), body=0, fields=len(words) - 1
        ),
        status=None,
        body=output[:4096].decode(errors="replace"),
        body_length=len(output),
        sha256=hashlib.sha256(output).hexdigest(),
        fate=fate,
        error=error,
        seconds=round(seconds, 4),
        via="command",
        exit_code=command.exit_code if command else None,
    )
