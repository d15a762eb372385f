"""The answer comes a byte at a time."""

from __future__ import annotations

from ..exchange import Exchange


async def play(exchange: Exchange, pause: float = 0.5) -> None:
    """One byte, a pause, one byte: until all are given, the batch has gone, or the fault is taken off."""
    assert exchange.rule is not None
    answer = await exchange.ask()
    given = 0
    while given < len(answer) and exchange.heard and not exchange.rule.over.is_set():
        exchange.give_piece(answer[given : given + 1])
        given += 1
        await exchange.wait(pause)
    if exchange.heard and answer:
        exchange.give_piece(answer[given:])
        exchange.status = exchange.answer.status if exchange.answer else None
