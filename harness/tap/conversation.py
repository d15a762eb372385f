"""One connection of the batch and the one behind it: bytes pass as they come, in both directions.

        client ──▶ got(client) ──▶ upstream          a side that cannot take more stops the reading of the other
        client ◀── got(upstream) ◀── upstream        an end passes on as an end, a reset as a reset

Only where a fault is on are requests held until they are whole, and handed to the fault as an `Exchange`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from time import monotonic
from typing import TYPE_CHECKING

from .exchange import Exchange, Held
from .journal import SAID, TARGET, facts_of
from .messages import Message, Messages
from .side import Side

if TYPE_CHECKING:
    from .tee import Tee

HELD_AT_MOST = 1024 * 1024
HELD_FOR = 1.0


class Conversation:
    """The two sides, what is known of the exchanges between them, and the faults played on them."""

    def __init__(self, tee: Tee) -> None:
        self.tee = tee
        self.client, self.upstream = Side(self), Side(self)
        self.methods: deque[str] = deque()
        self.requests, self.answers = Messages(), Messages(self.methods)
        self.open: deque[Exchange] = deque()
        self.pending = bytearray()
        self.held: Held | None = None
        self.playing: asyncio.Task[None] | None = None

    def other(self, side: Side) -> Side:
        """The side opposite."""
        return self.upstream if side is self.client else self.client

    def made(self, side: Side) -> None:
        """The batch has called: the downstream is called too. What comes before it answers waits."""
        if side is self.client:
            self.tee.talking.add(self)
            self.connecting = asyncio.ensure_future(self._connect())

    async def _connect(self) -> None:
        try:
            await self.tee.reach(lambda: self.upstream)
        except OSError as problem:
            self.tee.journal.write(
                t=self._now(), fate="cut", why=f"the downstream cannot be reached: {problem}"
            )
            self.client.reset()
            return
        if not self.client.up:
            self.upstream.close()
            return
        self._go_on()

    def _go_on(self) -> None:
        """What was kept waiting goes on its way."""
        waiting, self.pending = bytes(self.pending), bytearray()
        if waiting:
            self._from_client(waiting)
        if self.playing is None:
            self.client.go_on("waiting")
            if self.client.ended:
                self.ended(self.client)

    def got(self, side: Side, data: bytes) -> None:
        """Bytes from one side."""
        if side is self.upstream:
            self._from_upstream(data)
        elif not self.upstream.up or self.playing is not None:
            self.pending += data
            side.hold_still("waiting")
        else:
            self._from_client(data)

    def _from_client(self, data: bytes) -> None:
        if self.held is None and (not self.tee.rules or self.open or self.requests.now or self.requests.lost):
            self.upstream.write(data)
            self._saw_requests(data)
            return
        if self.held is None:
            self.held = Held()
            asyncio.get_running_loop().call_later(HELD_FOR, self._let_pass, self.held)
        self.held.data += data
        ended = self._saw_requests(data)
        begun = self.requests.now
        asks_first = begun is not None and begun.head and begun.header(b"expect")
        if ended or asks_first or self.requests.lost or len(self.held.data) > HELD_AT_MOST:
            self._decide(bytes(self.held.data), ended)

    def _let_pass(self, held: Held) -> None:
        """A request that does not become whole in time goes on its way."""
        if self.held is held:
            self._decide(bytes(held.data), [])

    def _decide(self, raw: bytes, ended: list[Exchange]) -> None:
        """A request was held and is whole (or will not be): a fault is played on it, or it goes on its way."""
        self.held = None
        first = ended[0] if len(ended) == 1 and self.requests.now is None else None
        rule = self.tee.rule_for(first.request, first.items) if first else None
        if first is None or rule is None:
            self.upstream.write(raw)
            return
        first.raw, first.rule, first.fault = raw, rule, rule.fault
        self.playing = asyncio.ensure_future(self.tee.play(first))
        self.playing.add_done_callback(self._played)

    def _played(self, task: asyncio.Task[None]) -> None:
        self.playing = None
        problem = None if task.cancelled() else task.exception()
        if problem is not None:
            self.tee.problems.append(repr(problem))
            self.client.reset()
        if not self.client.up:
            self.gone(self.client)
        elif not self.upstream.up:
            self.gone(self.upstream)
        else:
            if self.upstream.ended:
                self.client.finish()
            self._go_on()

    def _saw_requests(self, data: bytes) -> list[Exchange]:
        ended = [
            Exchange(self, request, self.tee.journal.about(request)) for request in self.requests.feed(data)
        ]
        for exchange in ended:
            self.methods.append(exchange.request.method)
            self.open.append(exchange)
        return ended

    def _from_upstream(self, data: bytes) -> None:
        first = self.open[0] if self.open else None
        if first is not None and first.holds_answer:
            first.kept += data
        else:
            self.client.write(data)
        self._saw_answers(self.answers.feed(data))

    def _saw_answers(self, ended: list[Message]) -> None:
        for answer in ended:
            if self.open:
                exchange = self.open.popleft()
                exchange.answer = answer
                if not exchange.arrived.is_set():
                    exchange.arrived.set()
                if not exchange.rule:
                    self.note(exchange)

    def note(self, exchange: Exchange) -> None:
        """One line into the journal."""
        request, answer = exchange.request, exchange.answer
        upstream = answer.status if answer else None
        fate = "answered" if answer or exchange.status else "open"
        self.tee.journal.write(
            t=round(request.began - self.tee.journal.began, 5),
            seconds=round(monotonic() - request.began, 5),
            method=request.method,
            target=request.target[:TARGET],
            target_bytes=len(request.target),
            items=exchange.items,
            key=request.header(b"idempotency-key")[:255],
            upstream=upstream,
            status=exchange.status if exchange.rule else upstream,
            request=facts_of(request),
            answer=facts_of(answer or (self.answers.now if exchange in self.open else None)),
            said=answer.body[:SAID].decode("utf-8", "replace") if answer and answer.status >= 400 else "",
            fault=exchange.fault,
            fate="cut" if exchange.rule and exchange.status is None else fate,
        )

    def ended(self, side: Side) -> None:
        """One side has sent its end."""
        if side is self.upstream:
            self._saw_answers(self.answers.end())
            if not (self.open and self.open[0].holds_answer):
                self.client.finish()
        elif self.upstream.up and self.playing is None:
            if self.held is not None:
                self._decide(bytes(self.held.data), [])
            self.upstream.finish()
        if self.client.ended and self.upstream.ended and self.playing is None:
            self.client.close()
            self.upstream.close()

    def gone(self, side: Side) -> None:
        """One side is gone: behind an end it is closed, without one it is cut, and so is the other."""
        for exchange in self.open:
            exchange.arrived.set()
        if self.playing is not None:
            if side is self.client:
                self.upstream.close()
            return
        there = self.other(side)
        if side.problem is not None:
            there.reset()
        else:
            there.close()
        if not there.up:
            self._over()

    def _over(self) -> None:
        if self not in self.tee.talking:
            return
        self.tee.talking.discard(self)
        for exchange in self.open:
            if not exchange.noted:
                self.note(exchange)
        for which, seen in (("request", self.requests), ("answer", self.answers)):
            if seen.lost or (seen.now is not None and not seen.now.head):
                raw = seen.raw.decode("latin-1")
                self.tee.journal.write(t=self._now(), fate="raw", side=which, bytes=seen.seen, raw=raw)

    def _now(self) -> float:
        return round(monotonic() - self.tee.journal.began, 5)
