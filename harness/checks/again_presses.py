"""What became of each user after each press of an experiment, not only at its end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.checks.ledger import weighed
from harness.checks.verdicts import Verdict
from harness.checks.wanted import Wanted
from harness.model.events import PressedAgain
from harness.model.record import Record
from harness.model.tables import Columns


@dataclass(frozen=True)
class _Until:
    """The tables of a record as they were after one press: of each user the last word, and every effect so far."""

    record: Record
    press: int

    def has(self, table: str) -> bool:
        """As the record has it."""
        return self.record.has(table)

    def chunks(self, table: str) -> Iterator[Columns]:
        """Without what came later."""
        words: dict[str, str] = {}
        for chunk in self.record.chunks(table):
            if "press" not in chunk:
                yield chunk
                continue
            rows = [row for row, press in enumerate(chunk["press"]) if press <= self.press]
            kept = {name: [column[row] for row in rows] for name, column in chunk.items()}
            if "said" not in kept:
                yield kept
                continue
            words |= dict(zip(kept["item"], kept["said"], strict=True))
        if words:
            yield {"item": list(words), "said": list(words.values())}


def press_by_press(record: Record, event: PressedAgain) -> dict[int, dict[str, Verdict]]:
    """By press, every user's verdict after it; empty where the record does not tell words by press."""
    found: dict[int, dict[str, Verdict]] = {}
    words, effects = f"words-{event.key}", f"effects-{event.key}"
    if not (record.has(words) and record.has(effects)):
        return found
    wanted = Wanted.read(record, event.users)
    for note in event.presses:
        account = weighed(_Until(record, note.number), wanted, words, effects)
        if account is None:
            return {}
        found[note.number] = account.verdict_of()
    return found
