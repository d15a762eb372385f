"""The downstream is gone for a while: connections are refused, those that are open are cut."""

from __future__ import annotations

from ..rules import Rule
from ..tee import Tee


async def begin(tee: Tee, rule: Rule) -> None:
    """From now on nobody listens."""
    rule.hits = max(1, len(tee.talking))
    tee.deafen()


async def end(tee: Tee) -> None:
    """It is back."""
    await tee.listen()
