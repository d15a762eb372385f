"""The tee: listens for the batch, reaches the downstream, and knows which faults are on."""

from __future__ import annotations

import asyncio
import importlib
import socket
from collections.abc import Callable
from types import ModuleType
from typing import Any

from .conversation import Conversation
from .exchange import Exchange
from .journal import FLUSH, Journal
from .messages import Message
from .rules import Rule
from .side import Side

BACKLOG = 1024
REACH_WITHIN = 30.0


class Tee:
    """Everything that is said to `port` here is said to (host, upstream_port) there."""

    def __init__(self, listen: tuple[str, int], upstream: tuple[str, int], journal: Journal) -> None:
        self.at, self.upstream, self.journal = listen, upstream, journal
        self.talking: set[Conversation] = set()
        self.rules: list[Rule] = []
        self.problems: list[str] = []
        self.connections = 0
        self._resolved: str | None = None
        self._server: asyncio.Server | None = None

    async def listen(self) -> None:
        """Takes connections; does nothing where it does already."""
        if self._server is None:
            loop = asyncio.get_running_loop()
            self._server = await loop.create_server(
                self._called, *self.at, reuse_address=True, backlog=BACKLOG
            )
            self.at = self._server.sockets[0].getsockname()[:2]

    def deafen(self) -> None:
        """Takes no connections any more (they are refused), and cuts those that are open."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for conversation in list(self.talking):
            conversation.client.reset()

    def _called(self) -> Side:
        self.connections += 1
        return Conversation(self).client

    async def reach(self, side: Callable[[], asyncio.Protocol]) -> None:
        """Connects to the downstream. Raises OSError. Its name is asked for again where it has moved."""
        loop = asyncio.get_running_loop()
        for again in (False, True):
            try:
                if self._resolved is None:
                    found = await loop.getaddrinfo(*self.upstream, type=socket.SOCK_STREAM)
                    self._resolved = str(found[0][4][0])
                connected = loop.create_connection(side, self._resolved, self.upstream[1])
                await asyncio.wait_for(connected, REACH_WITHIN)
                return
            except (TimeoutError, OSError) as problem:
                self._resolved = None
                if again:
                    raise OSError(str(problem) or "no connection within 30 s") from problem

    async def open_another(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """One more connection to the downstream, beside the batch's."""
        return await asyncio.open_connection(*self.upstream)

    def rule_for(self, request: Message, items: list[str]) -> Rule | None:
        """The first fault that is to be played on this request."""
        return next((rule for rule in self.rules if rule.meets(request, items)), None)

    async def play(self, exchange: Exchange) -> None:
        """Plays a fault on a request, and notes what came of it."""
        assert exchange.rule is not None
        try:
            await fault(exchange.rule.fault).play(exchange, **exchange.rule.options)
        finally:
            exchange.noted = True
            if exchange.answer is None:
                exchange.forget()
            exchange.conversation.note(exchange)

    async def begin(self, rule: Rule) -> None:
        """Turns a fault on. Raises ValueError for one that there is not."""
        begin = getattr(fault(rule.fault), "begin", None)
        if begin:
            await begin(self, rule)
        self.rules.append(rule)

    async def end(self) -> list[dict[str, Any]]:
        """Turns all faults off, and says how often each was played."""
        told = [{"fault": rule.fault, "hits": rule.hits, "seen": rule.seen} for rule in self.rules]
        for rule in self.rules:
            rule.over.set()
            finish = getattr(fault(rule.fault), "end", None)
            if finish:
                await finish(self)
        self.rules.clear()
        return told

    async def flushing(self) -> None:
        """Writes the journal out, twice a second."""
        while True:
            await asyncio.sleep(FLUSH)
            self.journal.flush()


def fault(name: str) -> ModuleType:
    """The module of a fault. Raises ValueError."""
    if not name.isidentifier():
        raise ValueError(f"no fault {name!r}")
    try:
        return importlib.import_module(f".faults.{name}", __package__)
    except ModuleNotFoundError:
        raise ValueError(f"no fault {name!r}") from None
