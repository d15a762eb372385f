"""The downstream does it at once, and its answer comes late."""

from __future__ import annotations

from ..exchange import Exchange


async def play(exchange: Exchange, seconds: float = 5.0) -> None:
    """Asks the downstream, and holds its answer back for a while."""
    answer = await exchange.ask()
    await exchange.wait(seconds)
    if exchange.heard:
        exchange.give(answer)
