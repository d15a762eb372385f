"""The connection is cut before the downstream has seen the request."""

from __future__ import annotations

from ..exchange import Exchange


async def play(exchange: Exchange) -> None:
    """RST, and nothing was done."""
    exchange.reset()
