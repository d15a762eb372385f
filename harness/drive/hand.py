"""The hand on one trigger in act two: builds its request without sending it, presses it, and counts what arrives.

build(n)      exact bytes, nothing sent
ask(bytes)    straight to the service's way in, past the trigger
attempt(...)  one press, its request changed or not: what it was answered
deliver(n)    a press on a clean stage, and what the batch then knows of
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from harness.drive import tape as tapes
from harness.drive.bench import Bench
from harness.drive.client import Live
from harness.drive.messages import Request, Response
from harness.drive.performance import Performance
from harness.drive.pressing import refusal
from harness.drive.tape import Tape
from harness.errors import HarnessError, UsageError
from harness.model.answer import Answer
from harness.model.request import Request as Plain
from harness.model.scenario import Trigger
from harness.model.walls import Delivery, checksum

ASKING = 20.0
"""Seconds for one exchange past the trigger."""
MOST_PRESSES = 1000
FRUITLESS_PRESSES = 2
"""So often is the button pressed again without any item moving before what is missing counts as not arrived; once
where no item failed, and not again where the first press moved nothing at all, since that has been waited for."""
NOT_A_REQUEST = "not a request: no walls to find"
Change = Callable[[Plain], Plain]


class NoRequest(HarnessError):
    """The trigger did not come to the request that starts the batch."""


class NotARequest(NoRequest):
    """The trigger runs a command or sends messages."""


class Hand:
    """One trigger on disposable stages. `known` holds what deliveries have shown already, by number of users."""

    def __init__(
        self, bench: Bench, trigger: Trigger, tape: Tape | None, known: dict[int, Delivery] | None = None
    ) -> None:
        self.bench, self.trigger, self.tape = bench, trigger, tape
        self.known = dict(known or {})
        self.sent: dict[int, bytes] = {}
        """The last request that went out for so many users, unchanged."""
        self._built: dict[int, bytes] = {}

    @property
    def service(self) -> str:
        """The service that its request goes to."""
        return self._tape().request.service

    @property
    def origin(self) -> str:
        """Scheme, host and port of the pages that its request would come from."""
        client, request = self.bench.here().live.clients[self.service], self._tape().request
        host = next((value for name, value in request.headers if name.lower() == "host"), "127.0.0.1")
        return f"{'https' if client.tls else 'http'}://{host}"

    def build(self, users: int) -> bytes:
        """Its request for the first `users` users, as it would go out. Raises NoRequest."""
        if users not in self._built:
            self._built[users] = self._request(0, users).wire
        return self._built[users]

    def ask(self, request: bytes, segment: int) -> Answer:
        """Sends these bytes to where its requests enter, and nothing else."""
        return self.bench.here().live.clients[self.service].ask(request, timeout=ASKING, segment=segment)

    def attempt(self, first: int, last: int, change: Change | None = None, segment: int = 0) -> Answer:
        """Presses it with users `first` to `last`, once, on whatever has been done before, and says the answer."""
        return self._press(self.bench.here(), (first, last), change, segment)

    def spoil(self) -> None:
        """Something was done on the stage past the trigger that may have side effects."""
        self.bench.used = True

    def passed(self, answer: Answer) -> bool:
        """Whether an answer means that the trigger was not turned away."""
        return not refusal(answer)

    def deliver(self, users: int, change: Change | None = None) -> Delivery:
        """Presses it with the first `users` users, and tells which of them the batch then knows of."""
        if change is None and users in self.known:
            return self.known[users]
        loses = any(one.arrived is not None and not one.intact for one in self.known.values())
        first = self.bench.clean() if loses else self.bench.here()  # waiting for what is lost costs more
        delivery = self._deliver(first, users, change)
        if delivery is None:  # taken where something had been done before: what arrived cannot be told apart
            delivery = self._deliver(self.bench.clean(), users, change)
        assert delivery is not None, "a clean stage tells what arrived"
        if change is None:
            self.known[users] = delivery
        return delivery

    def _deliver(self, on: Performance, users: int, change: Change | None) -> Delivery | None:
        clean = not self.bench.used
        answer = self._press(on, (0, users), change, 0)
        refused = turned_away(on, users, answer)
        if refused or not clean:
            return refused
        presses, fruitless = 1, 0 if on.progress.done + on.progress.failed else FRUITLESS_PRESSES
        while on.left(users) > 0 and not on.stuck and presses < MOST_PRESSES:
            if fruitless >= (FRUITLESS_PRESSES if on.progress.failed else 1):
                break
            before, presses = on.progress, presses + 1
            gone = on.ended()
            if gone and not on.revive(gone):
                break
            self._press(on, (0, users), change, 0)
            fruitless = fruitless + 1 if on.progress == before else 0
        return counted(on, users, answer)

    def _press(self, on: Performance, users: tuple[int, int], change: Change | None, segment: int) -> Answer:
        """One press, and what its request was answered. Raises NoRequest where it did not come to its request."""
        pull = on.pull(self.trigger, list(on.play.users[slice(*users)]))
        if change is not None:
            wanted, own = self._request(*users), pull

            def pull(live: Live) -> Response:
                with tapes.changing(live, wanted, lambda request: _changed(request, change)):
                    return own(live)

        for client in on.live.clients.values():
            client.segment = segment
        press = on.press(self.trigger, users[1] - users[0], pull=pull)
        for client in on.live.clients.values():
            client.segment = 0
        if press.exchange.via != "http":
            self.bench.used = True
            raise NotARequest(NOT_A_REQUEST)
        if on.tape is None:
            raise NoRequest(press.why)
        self.tape = self.tape or on.tape
        answer = on.tape.answer.answer
        if users[0] == 0 and change is None:
            self.sent[users[1]] = on.tape.request.wire
        self.bench.used |= self.passed(answer) or answer.status is None
        return answer

    def _tape(self) -> Tape:
        if self.tape is None:
            raise NoRequest(f"{self.trigger.name} has not come to its request in this rehearsal")
        return self.tape

    def _request(self, first: int, last: int) -> Request:
        on = self.bench.here()
        users = list(on.play.users[first:last])
        return tapes.build(self._tape(), on.live, on.pull(self.trigger, users))


def turned_away(on: Performance, users: int, answer: Answer) -> Delivery | None:
    """A delivery that was refused; None where this answer means that it was not."""
    ids = [user.id for user in on.play.users[:users]]
    if not refusal(answer):
        return None
    return Delivery(sent=users, items_sum=checksum(ids), arrived=None, answer=answer)


def counted(on: Performance, users: int, answer: Answer) -> Delivery:
    """What the batch knows of the first `users` users, now that it rests: read back, and never from the reply."""
    ids = [user.id for user in on.play.users[:users]]
    sent = Delivery(sent=users, items_sum=checksum(ids), arrived=None, answer=answer)
    if on.left(users) > 0 and on.stuck:
        return _uncounted(sent, "the batch hangs: what was handed over behind that cannot be counted")
    if on.left(users) > 0 and on.newly_failed == 1:
        why = "the batch stops at an item that fails: what was handed over behind it cannot be counted"
        return _uncounted(sent, why)
    try:
        known = {outcome.item for outcome in on.outcomes()} or {effect.item for effect in on.effects() or ()}
    except UsageError:
        raise
    except Exception as problem:  # noqa: BLE001  # the author's code may raise anything: then nothing was seen
        return _uncounted(sent, f"what arrived could not be read: {type(problem).__name__}: {problem}"[:300])
    arrived = ids if known.issuperset(ids) else sorted(known)
    if arrived is not ids and not answer.complete:
        why = answer.error or "no complete answer came"
        return _uncounted(sent, f"{len(known)} of {users} items arrived, and {why}: no more can be said")
    return Delivery(
        sent=users,
        items_sum=sent.items_sum,
        arrived=len(arrived),
        arrived_sum=checksum(arrived),
        answer=answer,
    )


def _uncounted(sent: Delivery, why: str) -> Delivery:
    return Delivery(sent=sent.sent, items_sum=sent.items_sum, arrived=None, answer=sent.answer, why_not=why)


def _changed(request: Request, change: Change) -> Request:
    """The request with what `change` makes of it; a Content-Length that was there stays true."""
    plain = change(Plain(request.method, request.target, request.headers, request.body))
    headers = tuple(
        (name, str(len(plain.body)) if name.lower() == "content-length" else value)
        for name, value in plain.headers
    )
    return replace(request, target=plain.target, headers=headers, body=plain.body)
