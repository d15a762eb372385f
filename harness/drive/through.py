"""Presses on until the batch is through, or it shows that pressing does not help."""

from __future__ import annotations

from dataclasses import dataclass

from harness.drive.performance import Performance
from harness.model.scenario import Trigger

MOST_PRESSES = 1000
FRUITLESS_PRESSES = 3
MOST_REVIVALS = 3


@dataclass(frozen=True)
class Presses:
    """How often the button was pressed, how often ended services were started again, and whether all was done."""

    presses: int
    revivals: int
    complete: bool


def press_until_done(on: Performance, trigger: Trigger, scale: int, count: int) -> Presses:
    """Presses again until nothing is left, nothing moves any more, or services end once too often."""
    presses, revivals, fruitless = 1, 0, 0
    left = on.left(count)
    while left > 0 and not on.stuck and presses < MOST_PRESSES and fruitless < FRUITLESS_PRESSES:
        gone = on.ended(scale)
        if gone:
            revivals += 1
            if revivals > MOST_REVIVALS or not on.revive(gone):
                break
        presses += 1
        on.play.say(f"{count:,} users by {trigger.name}: press {presses}, {left:,} left")
        on.press(trigger, count, scale=scale, number=presses)
        fruitless = fruitless + 1 if on.left(count) == left else 0
        left = on.left(count)
    on.play.say(f"{count:,} users by {trigger.name}: {left:,} left after {presses} presses")
    return Presses(presses, revivals, complete=left <= 0)
