"""Asks, counts, compares with the baseline, and stops before it does harm."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from harness.model.answer import Answer
from harness.model.request import Request
from harness.model.walls import Fate, Refusal

Ask = Callable[[bytes, int], Answer]
"""(request bytes, segment) -> answer; segment 0 is one write, n is writes of n bytes. Must be bounded in time."""

ONE_WRITE, SEGMENT = 0, 1400
"""The two ways of sending: all at once, as on loopback, and in pieces, as on a network (bytes of payload)."""

BODY_KEPT = 1500
BUSY = (429, 503)
VOLATILE = frozenset(
    {"date", "content-length", "connection", "keep-alive", "transfer-encoding", "etag", "set-cookie"}
)


class Stopped(Exception):
    """The probe cannot go on; the message is the reason for `not_checked`."""


@dataclass
class Budget:
    """What a probe may spend.

    requests   connections, each with one request
    seconds    wall time in all
    silences   requests in a row without any status before a known good one is sent to see whether the service
               still answers; 0: stop there and then (a shared staging system)
    """

    requests: int = 60
    seconds: float = 120.0
    silences: int = 3
    clock: Callable[[], float] = time.monotonic


@dataclass(frozen=True)
class Baseline:
    """How the application answers a small request that it takes.

    A request that only declares its body ends with 100 Continue (`continued`), with silence (status None), or with
    the application's answer, which came without looking at the body.
    """

    status: int | None
    names: frozenset[str]
    kind: str
    continued: bool = False

    @classmethod
    def of(cls, answer: Answer) -> Baseline:
        """What does not change from answer to answer."""
        names = frozenset(name.lower() for name, _ in answer.headers) - VOLATILE
        return cls(answer.status, names, answer.header("content-type"), answer.continued)

    def fits(self, answer: Answer) -> bool:
        """Whether `answer` is the application's own, as at the start."""
        if (
            self.status is None or self.continued
        ):  # what follows need not have come yet: only a refusal counts
            if answer.status is None:
                return answer.continued or answer.fate == "kept"
            return answer.status == self.status or not (answer.status in (400, 413) or answer.status >= 500)
        if answer.status is None:
            return False
        other = Baseline.of(answer)
        return (other.status, other.kind) == (self.status, self.kind) and self.names <= other.names


@dataclass
class Asker:
    """One probe's line to one service. `control` is a request known to pass."""

    ask: Ask
    baseline: Baseline
    control: Request
    budget: Budget = field(default_factory=Budget)
    asked: int = 0
    refused: Answer | None = None
    _silent: int = 0
    _vouched: bool = False
    _steadied: bool = False
    _explained: set[int] = field(default_factory=set)
    _until: float | None = None

    def passes(self, request: Request, way: int) -> bool:
        """Whether the service takes `request`; raises Stopped where that cannot be said."""
        answer = self._send(request, way)
        if answer.fate == "refused":
            raise Stopped(f"no connection: {answer.error}")
        if self._unreadable(answer):
            raise Stopped(
                f"the answer could not be read: {answer.error or 'no complete answer, it does not end'}"
            )
        if self._own(answer) and answer.fate not in ("reset", "timeout", "garbage"):
            self._vouched |= self._silent > 0  # it was silent, and it lives
            self._silent = 0
            return True
        self.refused = answer
        self._silent = self._silent + 1 if answer.status is None else 0
        if self._silent and not self.budget.silences:
            raise Stopped(f"stopped after an answer without a status ({answer.fate}): nothing more is sent")
        unexplained = answer.status in BUSY and answer.status not in self._explained
        if unexplained or (self._silent >= self.budget.silences and not self._vouched):
            self._see_whether_it_lives()
            self._explained.add(answer.status or 0)
        return False

    def _own(self, answer: Answer) -> bool:
        """Whether it is the application's answer; headers that come and go are found out once, with one request."""
        if self.baseline.fits(answer):
            return True
        if answer.status is None or answer.status != self.baseline.status or self._steadied:
            return False
        self._steadied = True
        again = Baseline.of(self._send(self.control, ONE_WRITE))
        self.baseline = dataclasses.replace(self.baseline, names=self.baseline.names & again.names)
        return self.baseline.fits(answer)

    def finish(self) -> None:
        """After a search that ended in silence: the service must still live, or the silence was its end."""
        if self._silent and self._silent >= self.budget.silences:
            self._see_whether_it_lives()

    def _unreadable(self, answer: Answer) -> bool:
        """A status as in the baseline, but the answer does not end: neither taken nor refused."""
        same = answer.status is not None and answer.status == self.baseline.status
        return same and not answer.complete and not answer.continued

    def _send(self, request: Request, way: int) -> Answer:
        now = self.budget.clock()
        self._until = self._until or now + self.budget.seconds
        if self.asked >= self.budget.requests:
            raise Stopped(f"the budget of {self.budget.requests} requests is spent")
        if now >= self._until:
            raise Stopped(f"the budget of {self.budget.seconds:g} s is spent")
        self.asked += 1
        return self.ask(request.wire(), way)

    def _see_whether_it_lives(self) -> None:
        control = self._send(self.control, ONE_WRITE)
        if not self.baseline.fits(control):
            said = f"status {control.status}" if control.status else control.error or control.fate
            raise Stopped(
                f"the service no longer takes a small request ({said}): busy, limited by rate, or down"
            )
        self._vouched, self._silent = True, 0


def refusal(answer: Answer) -> Refusal:
    """What an answer says as a refusal."""
    how: Fate = "status"
    if answer.status is None:
        how = answer.fate if answer.fate in ("reset", "timeout", "garbage") else "closed"
    return Refusal(
        how=how,
        status=answer.status,
        reason=answer.reason,
        headers=list(answer.headers),
        body=answer.text[:BODY_KEPT],
        fate=answer.fate,
        error=answer.error,
        port=answer.port,
        at=answer.at,
    )


def learn(ask: Ask, request: Request) -> Baseline:
    """The baseline from one small request; Stopped where the answer is no ground to stand on."""
    answer = ask(request.wire(), ONE_WRITE)
    if answer.fate == "refused":
        raise Stopped(f"no connection: {answer.error}")
    waits = request.declared is not None and not answer.error
    if answer.fate in ("garbage", "reset", "timeout") or (answer.status is None and not waits):
        raise Stopped(f"a small request got no usable answer: {answer.error or answer.fate}")
    if answer.continued or answer.status is None:
        return Baseline.of(answer)
    if not answer.complete:
        raise Stopped(f"a small request got no usable answer: {answer.error}")
    status = answer.status or 0
    if 300 <= status < 400:
        raise Stopped(
            f"{request.target} is redirected to {answer.header('location')[:200] or '(no Location)'}; redirects are "
            "not followed, so what stands behind was not reached"
        )
    if status >= 500 or status in (401, 403, 407, 408, 429):
        raise Stopped(
            f"a small request is already answered with {status} {answer.reason}: limits behind it stay unseen"
        )
    return Baseline.of(answer)
