"""How much one rehearsal may write into its folder, so that no service and no batch can fill a disk with it.

200 MiB ─┬─ 64 MiB  at most are logs and pages of memory; what has no room there is cut, and told
         ├─ the journal and the tables. Where they are full the rehearsal ends: nobody can judge half a table
         └─ 16 MiB  are kept free by these, for run.json, for what was not seen, how it ended, and for the reports

A rehearsal that is held within the folder of another one, as a replay is, has what that one leaves.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from harness.errors import EnvironmentProblem, RecordFull

MIB = 2**20
MOST = 200 * MIB
FOR_REPORTS, FOR_NOTES, FOR_LOGS = 0.08, 0.04, 0.32
"""Shares of it; the notes have theirs of that for the reports."""
LEAST, LEAST_NOTES = 4 * MIB, 64 * 2**10


class Room:
    """What is left of `most` bytes; for whoever writes one thing after the other."""

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self._left = most - int(most * FOR_REPORTS)
        self._left_for_notes = max(LEAST_NOTES, int(most * FOR_NOTES))
        self._left_for_logs = int(most * FOR_LOGS)
        self._full = False

    @classmethod
    def of(cls, folder: Path) -> Room:
        """The room of a rehearsal that is written into a new folder. Raises EnvironmentProblem."""
        left = left_in(folder)
        if left < LEAST:
            raise EnvironmentProblem(
                f"{left / MIB:.1f} MiB are left for {folder}: the run that it lies in has nearly {MOST / MIB:,.0f}",
                expected=f"{LEAST / MIB:,.0f} MiB or more",
                cause="earlier replays of its findings are kept there",
                fix="remove some of them from its folder `replays`",
            )
        return cls(left)

    def take(self, size: int) -> None:
        """Room for a line of the journal or a chunk of a table. Raises RecordFull, and from then on always."""
        if self._full or size > self._left:
            raise self._overfull()
        self._left -= size

    def note(self, size: int) -> None:
        """Room for what is always told: also where there is none for the rest. Raises RecordFull."""
        if size > self._left_for_notes:
            raise self._overfull()
        self._left_for_notes -= size

    def for_log(self, size: int, *, whole: bool = False) -> int:
        """How many of so many bytes of a log may be kept (`whole`: all or none); they are taken."""
        kept = max(0, min(size, self._left_for_logs, self._left))
        if whole and kept < size:
            return 0
        self._left_for_logs -= kept
        self._left -= kept
        return kept

    def _overfull(self) -> RecordFull:
        self._full = True
        return RecordFull(
            EnvironmentProblem(
                f"the record has reached {self.most / MIB:,.0f} MiB: nothing that was seen from here on is kept",
                expected="a rehearsal whose record stays within that",
                cause="very many presses, answers or exchanges at the tap, or a scale that is far too large",
                fix="rehearse with fewer --users, --scales or --probes, or with --tap off",
            )
        )


class NoRoom(EnvironmentProblem):
    """A file of a run has no room in its folder."""


def room_for(path: Path, size: int) -> None:
    """Raises NoRoom where a file of a run would be too large for its folder."""
    left = left_in(path.parent)
    if size > left:
        raise NoRoom(
            f"{path.name} was not written: it has {size:,} bytes, and {left:,} are left of the {MOST / MIB:,.0f} MiB"
            " of the run's folder",
            expected="a run whose reports have room beside its record and its replays",
            fix="remove what is not needed from that folder, then `rehearse report`; or rehearse with fewer --users",
        )


def left_in(folder: Path) -> int:
    """How many bytes may still be written into the folder of a run, or into one below it."""
    inside = [above for above in (folder, *folder.parents) if (above / "run.json").is_file()]
    return max(0, MOST - sum(_sizes(inside[-1] if inside else folder)))


def _sizes(folder: Path) -> Iterator[int]:
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                yield os.lstat(f"{place}/{name}").st_size
            except FileNotFoundError:  # it has been taken away meanwhile
                continue
