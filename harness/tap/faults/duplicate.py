"""The request is delivered twice, as by a proxy that tries again on its own."""

from __future__ import annotations

from ..exchange import Exchange


async def play(exchange: Exchange) -> None:
    """Asks twice, one after the other; the batch gets the first answer."""
    answer = await exchange.ask()
    await exchange.ask_once_more()
    exchange.give(answer)
