"""The downstream does it, and its answer is lost."""

from __future__ import annotations

from ..exchange import Exchange


async def play(exchange: Exchange) -> None:
    """Waits for the whole answer, which means that it is committed, and cuts the connection."""
    await exchange.ask()
    exchange.reset()
