"""What a scenario would send, built by its own code and sent nowhere.

    step("seed()", live, lambda live: scenario.seed(live, users), taped)

Every request is kept, and answered from the tape, else with an empty 200. Where the scenario's code cannot go on with
that, the step says on which answer the rest depends.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from harness.drive.client import Client, Live
from harness.drive.messages import Request, Response
from harness.errors import Refused
from harness.model.exchange import Exchange

Played = tuple[Request, Response]
Place = tuple[str, str, str]


@dataclass(frozen=True)
class Step:
    """One part of a rehearsal: what would be sent for it, and why no more could be built."""

    what: str
    requests: list[Request]
    why_no_more: str = ""


@dataclass
class Dry:
    """Keeps requests instead of sending them. `taped` are answers that such requests had elsewhere, in order."""

    taped: Iterable[Played] = ()
    kept: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._answers: dict[Place, deque[Response]] = defaultdict(deque)
        for request, response in self.taped:
            self._answers[_place(request)].append(response)

    def send(self, client: Client, request: Request, whole: bool) -> Response:
        """Keeps it, and answers. Raises Refused for what may not be sent."""
        if client.conduct:
            client.conduct.check(request.wire)
        self.kept.append(request)
        known = self._answers[_place(request)]
        if known:
            return known.popleft() if len(known) > 1 else known[0]
        return _nothing(request)


def step(what: str, live: Live, call: Callable[[Live], object], taped: Iterable[Played] = ()) -> Step:
    """What `call` would send over `live`. Its code may need an answer that nobody has given: then that is said."""
    dry, why = Dry(taped), ""
    before = {name: client.sender for name, client in live.clients.items()}
    for client in live.clients.values():
        client.sender = dry.send
    try:
        run_through(call(live))
    except Refused:
        raise
    except Exception:  # noqa: BLE001  # the author's code, without the answers it was written for
        last = dry.kept[-1] if dry.kept else None
        why = (
            f"the rest depends on the answer to {last.method} {_place(last)[2]}"
            if last
            else "it needs an answer"
        )
    finally:
        for name, client in live.clients.items():
            client.sender = before[name]
    return Step(what, dry.kept, why)


def run_through(found: object) -> None:
    """A hook may be a generator: its requests are sent as its rows are asked for."""
    if isinstance(found, Iterable):
        for _ in found:
            pass


def _place(request: Request) -> Place:
    return request.service, request.method, request.target.partition("?")[0]


def _nothing(request: Request) -> Response:
    service, method, path = _place(request)
    exchange = Exchange(
        service=service, method=method, path=path, sizes=request.sizes, status=200, reason="not sent"
    )
    return Response(exchange, b"")
