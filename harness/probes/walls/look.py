"""All kinds of request walls at one service: learn what it says to small requests, then ask for each kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from msgspec.structs import replace

from harness.model.finding import NotChecked
from harness.model.request import Header, Request
from harness.model.walls import Open, Wall
from harness.probes.walls.asking import Ask, Asker, Baseline, Budget, Stopped, learn
from harness.probes.walls.find import Question, find_wall
from harness.probes.walls.hops import Attributing, Hop, identified
from harness.probes.walls.knobs import HARMLESS, Body, Count, Field, Knob, Line, template

Seen = Wall | Open | NotChecked
Kind = Literal["line", "header", "headers", "body"]
KNOBS: Mapping[Kind, Callable[[Request], Knob]] = {
    "line": Line,
    "header": Field,
    "headers": Count,
    "body": Body,
}


@dataclass(frozen=True)
class Target:
    """One service and what to ask it.

    ask        sends bytes to its front, bounded in time
    host       what goes into the Host header
    hops       the servers on the way, front first, the application last; one where nothing is known
    sizes      for each kind its size at 1x and at the largest scale: bytes of the request line, of the longest
               header's value, number of headers, bytes of the body
    headers    what the real trigger carries (its cookies count towards limits on the whole head)
    path       where nothing is done; anything the application answers by itself will do
    pressed    the trigger itself is pressed as well: what a declared body leaves open is then seen
    """

    service: str
    ask: Ask
    host: str
    hops: Sequence[Hop]
    sizes: Mapping[Kind, tuple[int, int]]
    headers: tuple[Header, ...] = ()
    path: str = HARMLESS
    budget: Budget = field(default_factory=Budget)
    pressed: bool = False


def look(target: Target) -> list[Seen]:
    """One observation for each kind asked for, and for a body that is only declared what that leaves open.

    No side effects: a path without a view, and no body is ever sent. Besides the requests told in the observations
    it sends one for each baseline (GET, and POST for bodies); and once there is a wall, two small ones to each hop
    that can be reached, and the wall's own bytes to the inner hops.
    """
    looking = _Looking(target, template(target.host, target.headers, target.path))
    return [seen for kind, sizes in target.sizes.items() for seen in looking.at(kind, *sizes)]


@dataclass
class _Looking:
    """One service, what it says to small requests, and who stands in front of it: each asked for once."""

    target: Target
    base: Request
    baselines: dict[str, Baseline | Stopped] = field(default_factory=dict)

    @cached_property
    def hops(self) -> list[Hop]:
        """The hops with the names they give away."""
        return [identified(hop) for hop in self.target.hops]

    def at(self, kind: Kind, usual: int, largest: int) -> Iterator[Seen]:
        """What is seen of one kind."""
        target, knob = self.target, KNOBS[kind](self.base)
        control = knob.request(knob.smallest) if kind == "body" else self.base
        baseline = self.baseline(control)
        if isinstance(baseline, Stopped):
            yield NotChecked(f"request walls: {kind} of {target.service}", str(baseline))
            return
        asker = Asker(target.ask, baseline, control, target.budget)
        found = find_wall(asker, Question(target.service, knob, usual, largest))
        if isinstance(found, Wall):
            request = knob.request(found.first_failing).wire()
            found = replace(found, where=Attributing(found, request, self.hops, baseline).attribute())
        yield found
        if kind == "body" and isinstance(found, Open) and not target.pressed:
            why = "only declared: what reads a body may still refuse it; the trigger itself shows that"
            yield NotChecked(f"request walls: body of {target.service} as it is read", why)

    def baseline(self, control: Request) -> Baseline | Stopped:
        """The service's own answer to `control`, asked for once a method, or why it is no ground to stand on."""
        if control.method not in self.baselines:
            try:
                self.baselines[control.method] = learn(self.target.ask, control)
            except Stopped as stop:
                self.baselines[control.method] = stop
        return self.baselines[control.method]
