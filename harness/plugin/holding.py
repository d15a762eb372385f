"""Holds one rehearsal in a process of its own, and reads what it left."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import msgspec

from harness.model.finding import Finding, Verdict
from harness.model.record import Record
from harness.plugin.asking import Asked
from harness.report.ladder import safe
from harness.report.text import WORD, inert, plain, sentence

COMMAND = (sys.executable, "-c", "from harness.cli import main; main()")
HELD = (0, 1, 3)
LAST_LINES = 30
PATIENCE = 60.0


@dataclass(frozen=True, repr=False)
class Rehearsed:
    """A rehearsal that was held: the verdict as in report.json, and the folder of the run."""

    verdict: Verdict
    folder: Path

    @property
    def ready(self) -> bool:
        """Nothing high was found, and everything decisive was seen."""
        return self.verdict.verdict == "ready"

    @property
    def findings(self) -> list[Finding]:
        """What was found, heaviest first."""
        return self.verdict.findings

    @property
    def codes(self) -> set[str]:
        """The codes of the findings."""
        return {finding.code for finding in self.findings}

    @cached_property
    def record(self) -> Record:
        """The record that the verdict rests on."""
        return Record(self.folder)

    @property
    def safe_users(self) -> int:
        """The largest number of users that is safe with the first trigger; 0 where none is known."""
        return safe(self.record, self.findings).users or 0

    @property
    def text(self) -> str:
        """The verdict, every finding and what was not seen, as text."""
        unseen = [inert(f"not checked: {each.probe}: {each.why}") for each in self.verdict.not_checked]
        return "\n".join([self.headline, *map(plain, self.findings), *unseen])

    @property
    def headline(self) -> str:
        """The verdict in a line, and where the report is."""
        told = f"{WORD[self.verdict.verdict]}  {inert(sentence(self.verdict, self.record.manifest))}"
        return f"{told}\nreport: {self.folder / 'report.html'}"

    def __repr__(self) -> str:
        return f"<rehearsal {self.verdict.scenario} {self.verdict.run}: {WORD[self.verdict.verdict]}>"


def hold(asked: Asked) -> Rehearsed | str:
    """The rehearsal, or why there was none. One at a time on a machine: two would measure each other."""
    with _alone(), tempfile.TemporaryFile() as report:
        words = [*COMMAND, *asked.words, "--out", str(asked.out), "--json"]
        process = subprocess.Popen(
            words, cwd=asked.cwd, stdin=subprocess.DEVNULL, stdout=report, stderr=subprocess.PIPE,
            text=True, errors="replace", env=os.environ | {"REHEARSE_PARENT": str(os.getpid())},
        )  # fmt: skip
        said = _listened(process)
        report.seek(0)
        content = report.read()
    if process.returncode not in HELD:
        return f"`rehearse {' '.join(asked.words)}` ended with {process.returncode}:\n{said}"
    verdict = msgspec.json.decode(content, type=Verdict)
    return Rehearsed(verdict, asked.out / verdict.scenario / verdict.run)


def _listened(process: subprocess.Popen[str]) -> str:
    """Passes on what the rehearsal says, and returns its last lines. What ends the test ends the rehearsal too."""
    lines: list[str] = []
    assert process.stderr is not None
    try:
        for line in process.stderr:
            sys.stderr.write(line)
            lines.append(line)
        process.wait()
    except BaseException:
        process.terminate()
        process.wait(PATIENCE)
        raise
    return "".join(lines[-LAST_LINES:])


@contextmanager
def _alone() -> Iterator[None]:
    """Waits until no other test of this user holds a rehearsal, be it in another worker of pytest-xdist."""
    with (Path(tempfile.gettempdir()) / f"rehearse-pytest-{os.getuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
