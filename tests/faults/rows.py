"""The fault matrix: what a test of it says, and the table that a full run writes.

    R8 = Row("R8")

    @R8.trials("a service of 64 MiB", quick=1, full=10)
    def test_a_service_killed_for_its_memory_is_a_finding(trial: Trial, tmp_path: Path) -> None:
        ...                                   # do it
        trial.fired("OOMKilled is true")      # only once it is proven that the fault happened
        ...                                   # assert what the matrix asks for
        trial.took(seconds)                   # the slowest of all trials goes into the table

`quick` trials run in `make test`, `full` ones with FULL=1 (`make faults`); `trial.number` counts from 0 and makes
a good seed. quick=0: in the full run only. Where one test makes many trials by itself (a property), it takes
`@ROW.trials("...", quick=50, full=500, in_one=True)`, makes `trial.asked` of them, and calls `fired()` for each.

A trial that ends without `fired()` is reported as skipped: it proves nothing. A row of which no trial fired is "not
run", and with CI set that fails the session. A row may have several tests, all in one file. Slow trials need
`@pytest.mark.timeout(...)`. `make faults ARGS="-k R8"` runs one row; lines of the others stay as they are.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

FULL = bool(os.environ.get("FULL"))
TABLE = Path(__file__).parent / "README.md"
FAULTS = {
    "R1": "the harness is killed (SIGKILL) at a random moment",
    "R2": "SIGTERM, SIGINT, SIGHUP, to the process and to its group",
    "R3": "Ctrl-C twice within a second",
    "R4": "harness and watchdog are killed together",
    "R5": "two rehearsals at once, one is killed",
    "R6": "the engine is killed and started again within a run",
    "R7": "the engine's socket is absent, slow, or answers 500",
    "R8": "a service is killed for its memory",
    "R9": "a service hangs: takes and never answers, answers a byte at a time, is stopped",
    "R10": "a service floods its log",
    "R11": "an answer of 1 GB, a gzip bomb, chunks without end",
    "R12": "the disk is full: before the run, in the journal, in the report",
    "R13": "a damaged baseline",
    "R14": "a damaged journal",
    "R15": "hostile text in every artefact",
    "R16": "secrets in environment, headers, URLs, bodies, logs",
    "R17": "targets that look like production",
    "R18": "path traversal and symbolic links in names",
    "R19": "hostile scenario and compose files",
    "R20": "the tap passes odd requests on unchanged",
    "R21": "what the tap costs a request",
    "R25": "the clock jumps",
    "R26": "the same seed again",
    "R27": "no CPU left for the load generator",
    "R28": "a port in use, a stale socket, no IPv6",
    "R29": "what the downstream did cannot be read",
    "R30": "200 runs one after the other",
}


@dataclass
class Tally:
    """What came of one row in this session."""

    asked: int = 0
    fired: int = 0
    passed: int = 0
    failed: int = 0
    cut: int = 0
    slowest: float | None = None
    why_not: str = ""
    proofs: list[str] = field(default_factory=list)

    @property
    def word(self) -> str:
        """holds, FAILS, or not run."""
        if self.failed:
            return "FAILS"
        if not self.fired:
            return f"not run{f': {self.why_not}' if self.why_not else ''}"
        return (
            "holds" if self.passed >= self.asked else f"holds where it fired ({self.fired} of {self.asked})"
        )


TALLIES: dict[str, Tally] = {}


@dataclass
class Trial:
    """One trial: its number from 0, and how many are `asked` of this test altogether."""

    row: str
    what: str
    number: int
    asked: int
    count: int = 1
    times_fired: int = 0
    slowest: float | None = None
    proof: str = ""

    def fired(self, proof: str) -> None:
        """The fault really happened; `proof` says how that is known."""
        self.times_fired, self.proof = self.times_fired + 1, proof

    def took(self, seconds: float) -> None:
        """How long the harness needed, in the matrix's sense: to clean up, to end."""
        self.slowest = max(seconds, self.slowest or 0.0)


@dataclass(frozen=True)
class Row:
    """One row of the matrix, by its name in `FAULTS`."""

    name: str

    def __post_init__(self) -> None:
        assert self.name in FAULTS, f"{self.name} is no row of the matrix"

    def trials(
        self, what: str = "", *, quick: int, full: int, in_one: bool = False
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Makes a test a trial of this row, so many times."""
        asked = full if FULL else quick
        count = asked if in_one else 1
        numbers = range(min(asked, 1) if in_one else asked)
        trials = [Trial(self.name, what, number, asked, count) for number in numbers]
        named = [f"{self.name}-{what.replace(' ', '_')}-{trial.number}" for trial in trials]

        def mark(test: Callable[..., Any]) -> Callable[..., Any]:
            if not trials:
                return pytest.mark.only_in_full(test)
            return pytest.mark.parametrize("trial", trials, ids=named, indirect=True)(
                pytest.mark.faults(test)
            )

        return mark


def write_table(path: Path = TABLE) -> None:
    """Puts the rows of this session into the table; rows that were not (wholly) run keep their line, and those
    never run say so."""
    known = dict(re.findall(r"^(\| (R\d+) \|.*)$", path.read_text(), re.M)) if path.exists() else {}
    known = {name: line for line, name in known.items()}
    for name, tally in TALLIES.items():
        if tally.asked and not tally.cut:
            known[name] = _line(name, tally)
    lines = [known.get(name, f"| {name} | {fault} |  |  |  |  | not run |") for name, fault in FAULTS.items()]
    path.write_text(HEAD + "\n".join(lines) + "\n")


def _line(name: str, tally: Tally) -> str:
    slowest = "" if tally.slowest is None else f"{tally.slowest:.1f} s"
    cells = [name, FAULTS[name], tally.asked, tally.fired, tally.passed, slowest, tally.word]
    return f"| {' | '.join(str(cell).replace('|', '/') for cell in cells)} |"


HEAD = """# The fault matrix

What the harness itself must survive. `make faults` runs it in full and writes this table; `make test` runs its quick
set, three files at a time, in 63 s on two cores (median of three runs; up to 133 s where others use them too). A
trial counts only where its fault was proven to have happened; else the row is not run. How a test says so stands in
`rows.py`. Rows R22 to R24 are the item checker's: `tests/checks` and
`tests/end_to_end/test_planted.py`.

| row | fault | trials | fired | passed | slowest | |
|---|---|---|---|---|---|---|
"""
