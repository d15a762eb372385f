"""Presses the button: pulls a trigger, waits until the batch is idle again, and says how far it came."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from harness.drive.messages import Response, UnexpectedAnswer
from harness.errors import HarnessError, TimeBudgetSpent, UsageError
from harness.model.answer import Answer
from harness.model.exchange import Exchange
from harness.model.limits import recognise
from harness.model.scenario import Progress

RETAKE_WITHIN = 1.0
"""So long a batch may take to begin with what has failed before; it need not begin at all."""
POLL_SHORTEST, POLL_LONGEST = 0.005, 0.05


@dataclass
class Pace:
    """How long the batch has needed to begin, over all presses of a rehearsal."""

    longest: float = 0.0

    def began(self, after: float) -> None:
        """A press began to move something so many seconds after its answer."""
        self.longest = max(after, self.longest)


@dataclass(frozen=True)
class Press:
    """One press: `accepted` is None where it could not be told whether the batch took the items; `stuck` where
    the batch still says that it runs, but no longer finishes items."""

    exchange: Exchange
    accepted: bool | None
    why: str
    progress: Progress
    seconds: float
    stuck: bool = False


@dataclass(frozen=True)
class Button:
    """How the batch is started and watched.

    progress   asks the batch how far it is
    settle     seconds without any change after which it counts as idle, for batches that cannot say `running`
    deadline   on the monotonic clock
    seen       is told of every reading
    patience   seconds without any change after which a batch that says `running` counts as stuck
    begins     seconds after which a press that nothing began behind counts as lost
    pace       how long the batch has needed to begin: if four times that is more than `begins`, it counts instead
    """

    progress: Callable[[], Progress]
    settle: float
    deadline: float
    seen: Callable[[Progress], None]
    patience: float = 60.0
    begins: float = 5.0
    pace: Pace = field(default_factory=Pace)

    def press(self, pull: Callable[[], Response], users: int) -> Press:
        """Pulls the trigger once, with that many users. Raises TimeBudgetSpent where the batch does not get idle
        by the deadline."""
        before = self.progress()
        started = time.monotonic()
        try:
            reply = pull()
        except UnexpectedAnswer as problem:
            return Press(
                problem.exchange, None, f"the trigger did not come to its request: {problem}", before, 0.0
            )
        if not isinstance(reply, Response):
            raise UsageError(
                f"a trigger returned {type(reply).__name__}",
                expected="the response of the request that starts the batch",
                fix="return what live.<service>.get(...), .post(...) or .run(...) gave, or a queue's .call(...)",
            )
        asked = reply.exchange.via == "http"
        refused = refusal(reply.answer) if asked else reply.exchange.trouble
        if refused and not (self._began_all_the_same(reply, before) if asked else self._moved(before)):
            return Press(reply.exchange, _taken(reply.exchange), refused, before, 0.0)
        work_left = users > before.done + before.failed
        within = self._begins_within if work_left else RETAKE_WITHIN if before.failed else 0.0
        after, stuck = self._wait_until_idle(before, within)
        moved = after.done + after.failed - before.done - before.failed
        why = f"{refused}, and yet it ran" if refused else _fine(reply.exchange)
        why += f", {moved} items worked on"
        if not moved and work_left and not stuck:
            why += f" within {within:g} s"
        if stuck:
            why += f"; then nothing more for {self.patience:g} s, though it says that it runs"
        accepted = moved > 0 or stuck or not work_left
        return Press(reply.exchange, accepted, why, after, time.monotonic() - started, stuck)

    @property
    def _begins_within(self) -> float:
        return max(self.begins, 4 * self.pace.longest)

    def _began_all_the_same(self, reply: Response, before: Progress) -> bool:
        """Whether the batch runs since, though the answer was an error, or none: a gateway's time-out, or a batch
        that breaks behind its own mark that it runs."""
        if before.running or (reply.status is not None and reply.status < 500):
            return False
        try:
            return self.progress().running
        except HarnessError:  # it is gone: whoever presses looks after that
            return False

    def _moved(self, before: Progress) -> bool:
        """Whether anything got done, or is being done, though a command or the sending of messages ended badly."""
        now = self.progress()
        return now.running or (now.done, now.failed) != (before.done, before.failed)

    def _wait_until_idle(self, before: Progress, start_within: float) -> tuple[Progress, bool]:
        """The progress once the batch rests, and whether it is stuck instead. A batch that has not begun gets
        `start_within` seconds to begin."""
        began, changed, pause = time.monotonic(), time.monotonic(), POLL_SHORTEST
        last, seen = before, before.running
        while True:
            now = self.progress()
            self.seen(now)
            clock = time.monotonic()
            # Idle is believed when it is read twice: a status page may count first and ask whether it runs after.
            steady = now == last
            if not steady:
                last, changed = now, clock
            moved = (now.done, now.failed) != (before.done, before.failed)
            if (moved or now.running) and not seen:
                seen = True
                self.pace.began(clock - began)
            if (
                steady
                and not now.running
                and clock - changed >= self.settle
                and (moved or clock - began > start_within)
            ):
                return now, False
            if now.running and clock - changed >= self.patience:
                return now, True
            if clock > self.deadline:
                raise TimeBudgetSpent(
                    f"the batch still runs after {clock - began:.0f} s ({now.done} done, {now.failed} failed)",
                    expected="a batch that comes to an end within the time budget",
                    cause="it hangs, or it is slow",
                    fix="give a larger --budget, or fewer --scales",
                )
            time.sleep(pause if steady or now.running else POLL_SHORTEST)
            pause = min(pause * 1.5, POLL_LONGEST)


def _taken(exchange: Exchange) -> bool | None:
    """What a bad end behind which nothing moved means: turned away, or not to be told."""
    if exchange.via == "http":
        return False if exchange.status else None
    killed = exchange.exit_code is not None and (exchange.exit_code < 0 or exchange.exit_code > 128)
    return None if killed or exchange.fate in ("reset", "timeout") else False


def _fine(exchange: Exchange) -> str:
    if exchange.via == "http":
        return f"status {exchange.status}"
    return f"exit code {exchange.exit_code}" if exchange.via == "command" else exchange.body


def refusal(answer: Answer) -> str:
    """Why this answer means that the request was turned away; "" where it does not mean that."""
    if answer.status is None:
        return f"no answer: {answer.error or answer.fate}"
    if answer.status >= 400:
        return f"status {answer.status} {answer.reason}".strip()
    location = answer.header("location").lower()
    if 300 <= answer.status < 400 and any(
        word in location for word in ("login", "signin", "sign-in", "auth")
    ):
        return f"status {answer.status}: sent to the login page ({answer.header('location')[:80]})"
    if any(sign.meaning == "login" for sign in recognise(answer)):
        return f"status {answer.status}: a login page"
    return ""
