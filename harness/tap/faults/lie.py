"""The downstream does it, and the batch is told of an error."""

from __future__ import annotations

from ..exchange import Exchange
from .error import ANSWER


async def play(exchange: Exchange, status: int = 500) -> None:
    """Waits for the answer, which means that it is committed, and gives another one."""
    await exchange.ask()
    text = b"rehearsed: it failed after it was done"
    exchange.give(ANSWER % (status, len(text), b"", text))
