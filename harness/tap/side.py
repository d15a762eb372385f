"""One of the two ends of a conversation: a socket that says when it takes no more."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .conversation import Conversation

WRITE_BUFFER = 256 * 1024
RESET = struct.pack("ii", 1, 0)


class Side(asyncio.Protocol):
    """One of the two ends."""

    transport: asyncio.Transport

    def __init__(self, conversation: Conversation) -> None:
        self.conversation = conversation
        self.up = self.ended = self.shut = False
        self.problem: Exception | None = None
        self.stops: set[str] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is there."""
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.up = transport, True
        transport.set_write_buffer_limits(high=WRITE_BUFFER)
        made = transport.get_extra_info("socket")
        if made is not None and made.family != socket.AF_UNIX:
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.conversation.made(self)

    def data_received(self, data: bytes) -> None:
        """Bytes from it."""
        self.conversation.got(self, data)

    def eof_received(self) -> bool:
        """It sends no more; it may still read."""
        self.ended = True
        self.conversation.ended(self)
        return True

    def connection_lost(self, problem: Exception | None) -> None:
        """It is gone."""
        self.up, self.ended, self.problem = False, True, problem
        self.conversation.gone(self)

    def pause_writing(self) -> None:
        """It takes no more: the other side is not read from."""
        self.conversation.other(self).hold_still("full")

    def resume_writing(self) -> None:
        """It takes again."""
        self.conversation.other(self).go_on("full")

    def hold_still(self, why: str) -> None:
        """No more is read from it, for that reason."""
        self.stops.add(why)
        if self.up and not self.transport.is_closing():
            self.transport.pause_reading()

    def go_on(self, why: str) -> None:
        """That reason is gone; without any it is read from again."""
        self.stops.discard(why)
        if not self.stops and self.up and not self.transport.is_closing():
            self.transport.resume_reading()

    def write(self, data: bytes) -> None:
        """Bytes to it; where it is gone they are lost, as on any wire."""
        if self.up and not self.shut:
            self.transport.write(data)

    def finish(self) -> None:
        """It gets an end behind what was written."""
        if self.up and not self.shut:
            self.shut = True
            if not self.transport.is_closing():
                self.transport.write_eof()

    def close(self) -> None:
        """Closed behind what was written."""
        if self.up:
            self.transport.close()

    def reset(self) -> None:
        """Cut off (RST)."""
        if self.up:
            made = self.transport.get_extra_info("socket")
            if made is not None and not self.transport.is_closing():
                made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            self.transport.abort()
