"""The answer comes late, or (without an end) never: the request is held back."""

from __future__ import annotations

from ..exchange import Exchange


async def play(exchange: Exchange, seconds: float = 5.0) -> None:
    """Passes the request on after a while, if the batch still listens."""
    await exchange.wait(seconds)
    if exchange.heard:
        await exchange.pass_on()
