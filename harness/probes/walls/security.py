"""Tells a rejection for reasons of security from a limit on size, by experiments and not by the status alone.

one item, fresh token ── refused ── after a pause ── passes: a rate limit
        │                               └─ refused ── with our own origin ── passes: an origin check
        │                                                └─ refused: token, login or access, as the page says
        └ passes ── same bytes, neutral letters ── passes ── the original again ── refused: a rule on content
                        │                                        └─ passes: a rate limit, or a passing trouble
                        └ refused ── half the items ── passes: it is size
                                          └─ refused ── after a pause ── passes: a rate limit
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from harness.model.answer import Answer
from harness.model.limits import Meaning, recognise
from harness.model.walls import Experiment, Rejection
from harness.probes.walls.asking import refusal
from harness.probes.walls.hops import said

Try = Callable[[], Answer]


@dataclass(frozen=True)
class Experiments:
    """What can be tried at one trigger. Each builds its request anew, with the session and a fresh token.

    full         all items, as was refused
    one          one item
    half         half of the items; other_half: the rest
    neutral      as many bytes as `full` in the same fields, all letters harmless
    own_origin   one item, with Origin and Referer as from the service's own pages
    pause        waits until a rate limit would have passed
    passed       whether an answer means that the trigger was taken; a login page with status 200 is not
    """

    full: Try
    one: Try
    half: Try
    other_half: Try | None = None
    neutral: Try | None = None
    own_origin: Try | None = None
    pause: Callable[[], None] | None = None
    passed: Callable[[Answer], bool] = lambda answer: taken(answer)


def taken(answer: Answer) -> bool:
    """A status of success, and no page that asks to log in."""
    success = answer.status is not None and 200 <= answer.status < 300
    return success and not any(signature.meaning == "login" for signature in recognise(answer))


def classify(service: str, trigger: str, users: int, experiments: Experiments) -> Rejection:
    """Why `users` users are refused at `trigger`: at most seven presses; they have side effects."""
    return _Trial(service, trigger, users, experiments).run()


@dataclass
class _Trial:
    service: str
    trigger: str
    users: int
    can: Experiments
    done: list[Experiment] = field(default_factory=list)
    why_unsure: str = ""

    def run(self) -> Rejection:
        first = self.can.full()
        self.done.append(Experiment("all items", self.can.passed(first), said(first)))
        meaning: Meaning | None = None
        if self.can.passed(first):
            self.why_unsure = "the request now passes: a passing trouble, or a limit by rate"
        elif first.fate == "refused":
            self.why_unsure = f"no connection: {first.error}"
        else:
            meaning = (
                self._one_passes(first) if self._try("one item, fresh token", self.can.one) else self._token()
            )
        return Rejection(
            service=self.service,
            trigger=self.trigger,
            meaning=meaning,
            software=self._software(first),
            refusal=refusal(first),
            experiments=self.done,
            users=self.users,
            why_unsure=self.why_unsure,
        )

    def _try(self, question: str, attempt: Try | None) -> bool:
        """Whether it passes; what cannot be tried is noted as not asked and does not pass."""
        if attempt is None:
            self.done.append(Experiment(question, None, "not possible here"))
            return False
        answer = attempt()
        passed = self.can.passed(answer)
        self.done.append(Experiment(question, passed, said(answer)))
        self.last = answer
        return passed

    def _token(self) -> Meaning | None:
        """One item is refused too: it is not about size."""
        answer = self.last
        if answer.fate == "refused":
            self.why_unsure = f"no connection: {answer.error}"
            return None
        if self.can.pause is not None and _may_be_rate(answer):
            self.can.pause()
            if self._try("one item, after a pause", self.can.one):
                return "rate"
        if self.can.own_origin is not None and self._try(
            "one item, from the service's own origin", self.can.own_origin
        ):
            return "origin"
        told = _meaning(answer)
        if told in ("size", "missing", "down", None):
            self.why_unsure = f"one item is refused as well ({said(answer)}), and the answer does not say why"
            return _by_status(answer.status, told)
        return told

    def _one_passes(self, first: Answer) -> Meaning | None:
        """One item is taken: size, content or rate."""
        if self._try("the same bytes in neutral letters", self.can.neutral):
            return "rate" if self._try("all items again", self.can.full) else "waf"
        if self._try("half of the items", self.can.half):
            return self._size_or_one_item()
        if self.can.pause is not None:
            self.can.pause()
            if self._try("all items, after a pause", self.can.full):
                return "rate"
        told = _meaning(first)
        if told in ("size", "csrf", "waf", "rate", "origin", "login"):
            self.why_unsure = "half of the items are refused as well; the cause is what the page says"
            return told
        self.why_unsure = (
            "one item passes, half of them and neutral letters do not, and the answer does not say why"
        )
        return None

    def _size_or_one_item(self) -> Meaning:
        """Half passes. With neutral letters refused that is size; without that test one bad item may be elsewhere."""
        if self.can.neutral is not None:
            return "size"
        if self.can.other_half is not None:
            return "size" if self._try("the other half", self.can.other_half) else "waf"
        self.why_unsure = "half of the items pass; whether one item of the rest is refused was not tried"
        return "size"

    def _software(self, answer: Answer) -> str:
        return next((name for signature in recognise(answer) for name in signature.software), "")


def _by_status(status: int | None, told: Meaning | None) -> Meaning | None:
    """What a refusal of one item means whose page explains nothing; None where the scenario or the service may be
    at fault: no such path or method, down, no answer."""
    if status in (401, 403):
        return "access"
    if status is None or status in (404, 405, 408, 429, 502, 503, 504) or told in ("missing", "down"):
        return None
    return "error" if status >= 500 else "silent" if status >= 400 else None


def _may_be_rate(answer: Answer) -> bool:
    return answer.status in (429, 503) or _meaning(answer) == "rate"


def _meaning(answer: Answer) -> Meaning | None:
    return next((s.meaning for s in recognise(answer) if s.meaning != "identity"), None)
