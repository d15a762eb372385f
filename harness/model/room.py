"""How much one rehearsal may write into its folder, so that no service and no batch can fill a disk with it.

200 MiB ─┬─ 16 MiB  left for the reports that are made from it
         ├─ 64 MiB  at most are logs and pages of memory; what has no room there is cut, and told
         └─ the journal and the tables. Where they are full the rehearsal ends: nobody can judge half a table
"""

from __future__ import annotations

from harness.errors import EnvironmentProblem, RecordFull

MIB = 2**20
MOST = 200 * MIB
FOR_REPORTS, FOR_LOGS = 0.08, 0.32
"""Shares of it."""


class Room:
    """What is left of `most` bytes; for whoever writes one thing after the other."""

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self._left = most - int(most * FOR_REPORTS)
        self._left_for_logs = int(most * FOR_LOGS)
        self._full = False

    def take(self, size: int) -> None:
        """Room for a line of the journal or a chunk of a table. Raises RecordFull, and from then on always."""
        if self._full or size > self._left:
            self._full = True
            raise RecordFull(
                EnvironmentProblem(
                    f"the record has reached {self.most / MIB:,.0f} MiB: nothing that was seen from here on is kept",
                    expected="a rehearsal whose record stays within that",
                    cause="very many presses, answers or exchanges at the tap, or a scale that is far too large",
                    fix="rehearse with fewer --users, --scales or --probes, or with --tap off",
                )
            )
        self._left -= size

    def for_log(self, size: int) -> int:
        """How many of so many bytes of a log may be kept; they are taken."""
        kept = max(0, min(size, self._left_for_logs, self._left))
        self._left_for_logs -= kept
        self._left -= kept
        return kept
