"""The downstream does it, and its answer breaks off in the middle."""

from __future__ import annotations

from ..exchange import Exchange


async def play(exchange: Exchange, share: float = 0.5) -> None:
    """Gives the first part of the answer, and closes."""
    answer = await exchange.ask()
    exchange.give_piece(answer[: max(1, int(len(answer) * share))])
    exchange.close()
