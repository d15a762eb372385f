"""All kinds of request walls at one service: learn what it says to small requests, then ask for each kind."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
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
    """

    service: str
    ask: Ask
    host: str
    hops: Sequence[Hop]
    sizes: Mapping[Kind, tuple[int, int]]
    headers: tuple[Header, ...] = ()
    path: str = HARMLESS
    budget: Budget = field(default_factory=Budget)


def look(target: Target) -> list[Seen]:
    """One observation for each kind asked for, and for a body that is only declared what that leaves open.

    No side effects: a path without a view, and no body is ever sent. Besides the requests told in the observations
    it sends one for each baseline (GET, POST), one broken request to each hop that can be reached, and with a wall
    the same bytes to the inner hops.
    """
    hops = [identified(hop) for hop in target.hops]
    seen: list[Seen] = []
    for kind, (usual, largest) in target.sizes.items():
        knob = KNOBS[kind](template(target.host, target.headers, target.path))
        control = knob.request(knob.smallest)
        try:
            baseline = learn(target.ask, control)
        except Stopped as stop:
            seen.append(NotChecked(f"request walls: {kind} of {target.service}", str(stop)))
            continue
        asker = Asker(target.ask, baseline, control, dataclasses.replace(target.budget))
        found = find_wall(asker, Question(target.service, knob, usual, largest))
        seen.append(_attributed(found, knob, hops, baseline))
        if kind == "body" and isinstance(found, Open):
            why = "only declared: what reads a body may still refuse it; the trigger itself shows that"
            seen.append(NotChecked(f"request walls: body of {target.service} as it is read", why))
    return seen


def _attributed(found: Seen, knob: Knob, hops: Sequence[Hop], baseline: Baseline) -> Seen:
    if not isinstance(found, Wall):
        return found
    request = knob.request(found.first_failing).wire()
    return replace(found, where=Attributing(found, request, hops, baseline).attribute())
