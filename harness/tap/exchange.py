"""One request on its way, as a fault has it in hand."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .messages import Message

if TYPE_CHECKING:
    from .conversation import Conversation
    from .rules import Rule

REPEAT = 30.0


@dataclass
class Held:
    """A request that is held back until it is whole."""

    data: bytearray = field(default_factory=bytearray)


class Exchange:
    """A request that has arrived whole, and what becomes of it. `status` is what the batch was given."""

    def __init__(self, conversation: Conversation, request: Message, items: list[str]) -> None:
        self.conversation, self.request, self.items = conversation, request, items
        self.answer: Message | None = None
        self.raw, self.kept, self.fault = b"", bytearray(), ""
        self.rule: Rule | None = None
        self.holds_answer = self.noted = False
        self.status: int | None = None
        self.arrived = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        """Lets time pass: at most so long, and no longer than the fault is on or the batch listens."""
        assert self.rule is not None
        waits = [asyncio.ensure_future(self.rule.over.wait()), asyncio.ensure_future(self._left())]
        _, still = await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for wait in still:
            wait.cancel()

    async def _left(self) -> None:
        while self.conversation.client.up and not self.conversation.client.ended:
            await asyncio.sleep(0.05)

    async def pass_on(self) -> None:
        """The request goes on, and its answer comes back as it is."""
        self.conversation.upstream.write(self.raw)
        await self.arrived.wait()
        self.status = self.answer.status if self.answer else None

    async def ask(self) -> bytes:
        """The request goes on; its answer is held back and returned, empty where none came."""
        self.holds_answer = True
        self.conversation.upstream.write(self.raw)
        await self.arrived.wait()
        return bytes(self.kept)

    async def ask_once_more(self) -> bytes:
        """The same bytes on a connection of their own; what comes back within 30 s."""
        tee = self.conversation.tee
        reader, writer = await tee.open_another()
        try:
            writer.write(self.raw)
            return await asyncio.wait_for(reader.read(65536), REPEAT)
        except TimeoutError:
            return b""
        finally:
            writer.close()

    def give(self, answer: bytes) -> None:
        """The batch gets these bytes for an answer."""
        if answer.startswith(b"HTTP/1.") and answer[9:12].isdigit():
            self.status = int(answer[9:12])
        self.conversation.client.write(answer)

    def forget(self) -> None:
        """The downstream was never asked: no answer is to come."""
        if self in self.conversation.open:
            self.conversation.open.remove(self)
            self.conversation.methods.pop()

    def give_piece(self, piece: bytes) -> None:
        """The batch gets some bytes that are no whole answer."""
        self.conversation.client.write(piece)

    @property
    def heard(self) -> bool:
        """Whether the batch still listens."""
        return self.conversation.client.up

    def close(self) -> None:
        """The connection ends, as by a server that has had enough."""
        self.conversation.client.close()
        self.conversation.upstream.close()

    def reset(self) -> None:
        """The connection is cut (RST)."""
        self.conversation.client.reset()
        self.conversation.upstream.close()
