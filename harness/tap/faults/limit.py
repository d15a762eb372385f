"""The downstream asks to be asked less often: 429 with Retry-After."""

from __future__ import annotations

from ..exchange import Exchange
from .error import ANSWER


async def play(exchange: Exchange, retry_after: int = 5) -> None:
    """Answers in the downstream's place."""
    text = b"rehearsed: too many requests"
    exchange.give(ANSWER % (429, len(text), b"Retry-After: %d\r\n" % retry_after, text))
