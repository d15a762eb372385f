"""Which hop refused. Witnesses, the strongest first:

the same bytes at the inner hops   refused there too: it is that hop; taken by all of them: it is the front
the hop's access log               no upstream was asked: it is this hop
the page and the headers           software known by its page; the application's own headers, or none
the connection                     closed by the hop we talk to, kept open where an inner refusal is relayed
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from harness.model.answer import Answer
from harness.model.finding import Evidence
from harness.model.limits import Signature, identify, recognise
from harness.model.walls import Attribution, Refusal, Sureness, Wall
from harness.probes.walls.asking import ONE_WRITE, SEGMENT, VOLATILE, Ask, Baseline
from harness.probes.walls.guessing import setting
from harness.probes.walls.knobs import template
from harness.probes.walls.logs import joined

BROKEN = b"GE\x01T / HTTP/1.1\r\nHost: rehearsal\r\n\r\n"
"""No server takes this; its page shows who it is."""


@dataclass(frozen=True)
class Hop:
    """One server on the way, as the scenario names it.

    software   its names in the catalogue, where they are known (see `identified`)
    ask        sends to it directly; None where the stage cannot reach it
    log        reads its access log, as far as it is written; None where there is none
    """

    name: str
    software: tuple[str, ...] = ()
    ask: Ask | None = None
    log: Callable[[], str] | None = None


def identified(hop: Hop) -> Hop:
    """The hop with the names that its answers give away: two requests, a small one and a broken one."""
    if hop.software or hop.ask is None:
        return hop
    small = template("127.0.0.1").wire()
    names = [name for request in (BROKEN, small) for name in identify(hop.ask(request, ONE_WRITE))]
    return dataclasses.replace(hop, software=tuple(dict.fromkeys(names)))


@dataclass
class Attributing:
    """One wall to attribute: `request` is the first failing one's bytes, `hops` go from the front inwards."""

    wall: Wall
    request: bytes
    hops: Sequence[Hop]
    baseline: Baseline
    evidence: list[Evidence] = field(default_factory=list)

    def attribute(self) -> Attribution:
        """The hop, its software and its setting, how sure that is, and what spoke for it."""
        if not self.hops:
            return self.wall.where
        signatures = [s for s in recognise(as_answer(self.wall.refusal)) if s.meaning in ("size", "down")]
        by_page = self._by_page(signatures)
        guess = by_page or self._by_connection()
        sure: Sureness = "likely" if guess else "unknown"
        inner, all_take_it = self._by_bypass()
        proven = inner or self._by_log()
        if proven is None and all_take_it and guess in (None, self.hops[0]):
            proven = self.hops[0]
        if proven is not None:
            guess, sure = proven, "confirmed"
        software = self._software(guess, signatures)
        key = setting(software, self.wall.kind, self.wall.unit) if software else ""
        if software == self.wall.where.software:
            key = self.wall.where.config_key or key
        return Attribution(
            hop=guess.name if guess else "",
            software=software,
            config_key=key,
            sure=sure,
            evidence=self.evidence,
        )

    def _software(self, hop: Hop | None, signatures: list[Signature]) -> str:
        """The catalogue's own word first, as long as the hop may be that; then page, then what the hop is."""
        named = [name for signature in signatures for name in signature.software]
        if self.wall.expected and self.wall.where.software:
            return self.wall.where.software
        candidates = [self.wall.where.software, *named, *(hop.software if hop else ())]
        known = [name for name in candidates if name and setting(name, self.wall.kind, self.wall.unit)]
        if hop is not None and hop.software and not self._framework(signatures):
            known = [name for name in known if name in hop.software] or known
        return known[0] if known else ""

    def _framework(self, signatures: list[Signature]) -> bool:
        return any(signature.framework for signature in signatures)

    def _by_page(self, signatures: list[Signature]) -> Hop | None:
        told = self.wall.refusal
        if self._framework(signatures) or self._app_headers(told):
            self._tell("response", "carries the application's own headers: the application refused")
            return self.hops[-1]
        for name in (name for signature in signatures for name in signature.software):
            for hop in self.hops:
                if name in hop.software:
                    self._tell("response", f"the answer is {name}'s own ({told.status} {told.reason})")
                    return hop
        return self.hops[0] if len(self.hops) == 1 else None

    def _app_headers(self, told: Refusal) -> bool:
        """Headers that only the application adds; what any server adds proves nothing."""
        own = self.baseline.names - {
            "server",
            "content-type",
            "content-language",
            "x-powered-by",
            "via",
            "host",
        }
        names = {name.lower() for name, _ in told.headers} - VOLATILE
        return told.how == "status" and bool(own) and own <= names

    def _by_connection(self) -> Hop | None:
        told = self.wall.refusal
        if told.fate == "closed" and told.how == "status":
            self._tell("response", "the connection was closed with the answer, as the hop we talk to does")
            return self.hops[0]
        if told.fate == "kept" and len(self.hops) == 2:
            self._tell("response", "the connection stayed open, as where an inner refusal is relayed")
            return self.hops[1]
        return None

    def _by_log(self) -> Hop | None:
        """The front's log says whether it asked further; only the hop we talk to knows our port."""
        front, told = self.hops[0], self.wall.refusal
        line = joined(front.log(), told.port, told.at, told.status) if front.log and told.port else None
        if line is None:
            return None
        self._tell("log", f"{front.name}: {line.text}")
        if line.side == "here":
            return front
        return self.hops[1] if line.side == "behind" and len(self.hops) == 2 else None

    def _by_bypass(self) -> tuple[Hop | None, bool]:
        """The same bytes, sent to the inner hops, the innermost first: who refuses them, or that all take them.

        That all take them is the weaker witness: a proxy adds headers of its own.
        """
        asked = 0
        for hop in reversed(self.hops[1:]):
            if hop.ask is None:
                continue
            asked += 1
            answer = hop.ask(self.request, SEGMENT if self.wall.soft else ONE_WRITE)
            if answer.fate == "refused":
                return None, False
            if not self._taken(answer):
                self._tell("request", f"the same bytes sent to {hop.name} alone: {said(answer)}")
                return hop, False
            self._tell("request", f"the same bytes sent to {hop.name} alone are taken: {said(answer)}")
        return None, asked > 0 and asked == len(self.hops) - 1

    def _taken(self, answer: Answer) -> bool:
        if self.baseline.continued:
            return answer.continued or answer.status not in (400, 413)
        return answer.status == self.baseline.status or answer.status in range(200, 300)

    def _tell(self, kind: str, text: str) -> None:
        self.evidence.append(Evidence(kind, text))


def said(answer: Answer) -> str:
    """An answer in a few words."""
    if answer.status is None:
        return answer.error or ("100 Continue" if answer.continued else answer.fate)
    return f"{answer.status} {answer.reason}".strip()


def as_answer(told: Refusal) -> Answer:
    """A recorded refusal as an answer again, to compare with signatures."""
    body = told.body.encode()
    return Answer(told.status, told.reason, list(told.headers), body, len(body), complete=True)
