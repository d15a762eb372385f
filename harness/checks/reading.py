"""Whether the reading itself can be believed: what `outcomes()` and `effects()` gave, before it is judged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.checks.ledger import SHOWN, Account
from harness.model.events import NotSeen, ScaleDone


def flaws(account: Account, done: ScaleDone) -> Iterator[NotSeen]:
    """One NotSeen for each reason why the items of this scale cannot be called good."""
    word = account.word
    for count, why in (
        (
            len(word.strangers),
            f"outcomes() tells of items that were not handed in: {_some(list(word.strangers))}",
        ),
        (len(word.twice), f"outcomes() tells of the same item more than once: {_some(word.twice)}"),
        (
            sum(word.odd.values()),
            f"outcomes() says {_some(list(word.odd))}, where ok, failed, unknown or running is expected",
        ),
        (
            len(account.untold),
            f"outcomes() says nothing of users for whom something was done: {_some(account.untold)}",
        ),
        (
            account.count("blocked"),
            f"they were never begun, so what would become of them was not seen: {_some(account.of('blocked', 99))}",
        ),
    ):
        if count:
            yield NotSeen(probe=f"{count:,} users at {done.scale}x", why=why)
    if not account.count("done-once") + account.count("recovered"):
        why = "nothing was done well for even one: nothing was rehearsed"
        yield NotSeen(probe=f"each user at {done.scale}x", why=why)


def _some(items: Sequence[str]) -> str:
    shown = ", ".join(str(item) for item in items[:SHOWN])
    return shown + (", ..." if len(items) > SHOWN else "")
