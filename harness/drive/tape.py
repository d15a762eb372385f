"""What a trigger sent and was answered, and what can be done with that: run it again without sending anything.

recording   every request goes out; requests and answers are kept
building    nothing goes out: the requests before the last are answered from the tape, and the last is held
changing    every request goes out; the one that starts the batch is changed on its way
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from harness.drive.client import Client, Live, Sender
from harness.drive.messages import Request, Response
from harness.errors import HarnessError

Pull = Callable[[Live], Response]
"""Runs a trigger on these clients, for users that it already knows."""
Change = Callable[[Request], Request]


@dataclass
class Tape:
    """One run of a trigger: the cookies of every service before it, and each request with its answer.

    last    which of them starts the batch: the one whose answer the trigger returned
    """

    cookies: dict[str, dict[str, str]]
    played: list[tuple[Request, Response]] = field(default_factory=list)
    last: int = -1

    def ends_with(self, reply: Response) -> None:
        """Tells which answer the trigger returned."""
        numbers = [number for number, (_, answer) in enumerate(self.played) if answer is reply]
        self.last = numbers[-1] if numbers else len(self.played) - 1

    @property
    def request(self) -> Request:
        """The request that starts the batch, as it was sent."""
        return self.played[self.last][0]

    @property
    def answer(self) -> Response:
        """What it was answered."""
        return self.played[self.last][1]


@contextmanager
def recording(live: Live) -> Iterator[Tape]:
    """A tape of all that is sent while the `with` lasts."""
    tape = Tape({name: dict(client.cookies) for name, client in live.clients.items()})

    def through(before: Sender) -> Sender:
        def send(client: Client, request: Request, whole: bool) -> Response:
            response = before(client, request, whole)
            tape.played.append((request, response))
            return response

        return send

    with _sending(live, through):
        yield tape


def build(tape: Tape, live: Live, pull: Pull) -> Request:
    """The request with which a trigger would start the batch. Nothing is sent, and `live` is left as it was.

    Requests before the last are answered as on the tape, in their order. From there on each is held and answered
    as the last one was; of several (a trigger that sends chunks) the one whose answer is returned is meant.
    """
    held: list[tuple[Request, Response]] = []
    sent = 0

    def answer(client: Client, request: Request, whole: bool) -> Response:
        nonlocal sent
        sent += 1
        if sent <= tape.last:
            return tape.played[sent - 1][1]
        known = tape.answer
        held.append((request, Response(known.exchange, known.content, known.wire)))
        return held[-1][1]

    with _cookies_of(live, tape), _sending(live, lambda before: answer):
        try:
            reply = pull(live)
        except Exception:
            if not held:
                raise
            reply = held[-1][
                1
            ]  # it did not like the answer to its last request, which is all that was asked for
    if not held:
        raise HarnessError(
            f"the trigger sent {sent} requests this time, and {tape.last + 1} when it was pressed",
            expected="as many requests before the last one, whatever the number of users",
        )
    return next((request for request, response in held if response is reply), held[-1][0])


@contextmanager
def changing(live: Live, wanted: Request, change: Change) -> Iterator[None]:
    """While the `with` lasts, requests of the same service, method and path as `wanted` are changed on their way."""

    def place(request: Request) -> tuple[str, str, str]:
        return request.service, request.method, request.target.partition("?")[0]

    def through(before: Sender) -> Sender:
        def send(client: Client, request: Request, whole: bool) -> Response:
            return before(client, change(request) if place(request) == place(wanted) else request, whole)

        return send

    with _sending(live, through):
        yield


@contextmanager
def _sending(live: Live, through: Callable[[Sender], Sender]) -> Iterator[None]:
    before = {name: client.sender for name, client in live.clients.items()}
    for client in live.clients.values():
        client.sender = through(client.sender)
    try:
        yield
    finally:
        for name, client in live.clients.items():
            client.sender = before[name]


@contextmanager
def _cookies_of(live: Live, tape: Tape) -> Iterator[None]:
    before = {name: dict(client.cookies) for name, client in live.clients.items()}
    for name, client in live.clients.items():
        client.cookies = dict(tape.cookies.get(name, {}))
    try:
        yield
    finally:
        for name, client in live.clients.items():
            client.cookies = before[name]
