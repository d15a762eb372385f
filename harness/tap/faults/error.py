"""The downstream answers with an error, and has done nothing."""

from __future__ import annotations

from ..exchange import Exchange

ANSWER = b"HTTP/1.1 %d Rehearsed\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n%s\r\n%s"


async def play(exchange: Exchange, status: int = 503) -> None:
    """Answers in the downstream's place."""
    text = b"rehearsed: the downstream is out of order"
    exchange.give(ANSWER % (status, len(text), b"", text))
