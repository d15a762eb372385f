"""The events of a rehearsal: one a line of the journal, in order, each with its time."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from harness.model.causes import Inquiry
from harness.model.event import Event
from harness.model.exchange import Exchange
from harness.model.growth import FedOn, RanIntoLimit
from harness.model.load import LoadPlayed
from harness.model.walls import Open, Rejection, Wall

AgainKind = Literal[
    "complete", "changed", "double", "running", "kill", "late", "oom",
    "hung", "reset", "error", "limit", "dropped", "doubled", "down",
]  # fmt: skip
RunStatus = Literal["completed", "failed", "aborted", "interrupted"]


class HarnessShare(Struct, frozen=True, kw_only=True):
    """Of `seconds` that the harness watched the batch, those that its main thread was on a CPU, and those that it
    waited for one. The same of all threads of the services together, on a machine of so many `cpus`; 0 where that
    was not seen."""

    seconds: float
    cpu: float
    waited: float
    services_cpu: float = 0.0
    services_waited: float = 0.0
    cpus: int = 0


class StageUp(Event, frozen=True, kw_only=True, tag="stage_up"):
    """The services are up for `purpose` ("10x" or "edges"); it took `seconds`."""

    purpose: str
    seconds: float


class Pressed(Event, frozen=True, kw_only=True, tag="pressed"):
    """A trigger was pulled with the first `users` users.

    scale      the multiple of the usual number; 0 when an edge is looked for
    press      1 for the first press of this trigger in this run
    exchange   the request that starts the batch, and its answer
    accepted   whether the batch took the items: None when that could not be told
    why        what `accepted` rests on
    seconds    until the batch was idle again
    done, failed, left   items so far, as the batch tells it, after this press
    stuck      the batch said that it ran, and no longer finished items
    """

    scale: int
    trigger: str
    press: int
    users: int
    exchange: Exchange
    accepted: bool | None
    why: str
    seconds: float
    done: int
    failed: int
    left: int
    stuck: bool = False


class PressNote(Struct, frozen=True, kw_only=True):
    """One press of an experiment: how it was taken, how far the batch then was, and how many effects there were
    in all. `stopped`: the press was cut off by what was done to the system."""

    number: int
    accepted: bool | None
    why: str
    done: int
    failed: int
    left: int
    effects: int
    stopped: bool = False


class PressedAgain(Event, frozen=True, kw_only=True, tag="pressed_again"):
    """The button was pressed more than once on a stage of its own.

    kind       complete (until all is done, and once more), changed (more users come in), double, running, kill,
               late, oom (killed for memory); or what the downstream did meanwhile: hung, reset, error, limit,
               dropped, doubled, down
    key        names the tables `items-<key>` and `effects-<key>`; the latter has a column `press`
    what       what was done, to be read after "when": "the button is pressed twice at once"
    service    the service that was killed or frozen; "" for none
    reached    whether it came about: a batch may be too quick to be caught at work
    vanished   effects that were in the ledger before and no longer are
    hits       how often a fault was played
    waited     seconds that the batch waited for an answer that did not come
    gave_up    whether it then gave it up by itself; None where that was not asked
    asked_to_wait   seconds, in a Retry-After
    """

    kind: AgainKind
    key: str
    what: str
    service: str
    trigger: str
    users: int
    reached: bool
    presses: list[PressNote]
    vanished: int = 0
    hits: int = 0
    waited: float = 0.0
    gave_up: bool | None = None
    asked_to_wait: int = 0


class ServiceEnded(Event, frozen=True, kw_only=True, tag="service_ended"):
    """A service ended by itself while it was needed; `done` and `failed` items were through by then."""

    scale: int
    service: str
    exit_code: int | None
    oom_killed: bool | None
    done: int
    failed: int


class WallSeen(Event, frozen=True, kw_only=True, tag="wall"):
    """A limit on requests was found."""

    wall: Wall


class OpenSeen(Event, frozen=True, kw_only=True, tag="open"):
    """A part of this trigger's request met no limit up to the largest scale."""

    trigger: str
    open: Open


class RejectionSeen(Event, frozen=True, kw_only=True, tag="rejection"):
    """A trigger was refused, and experiments told whether that is about size."""

    rejection: Rejection


class ScaleDone(Event, frozen=True, kw_only=True, tag="scale_done"):
    """A scale is over. `batch_seconds` the batch was at work (without what the harness held it still),
    `seconds` the whole scale took;
    `revivals` times services that had ended were started again, so that the rest could be seen; `harness`: how it
    fared itself meanwhile."""

    scale: int
    users: int
    trigger: str
    presses: int
    seconds: float
    batch_seconds: float
    complete: bool
    revivals: int = 0
    harness: HarnessShare | None = None


class LogSeen(Event, frozen=True, kw_only=True, tag="log"):
    """How much a service had written to its log when a scale was over, `seconds` after it was up.

    written   bytes; `whole` is False where its beginning was dropped by the engine, or its end not read: then it is
              what was there
    rate      then, bytes a second at last, where that could be told
    """

    scale: int
    service: str
    written: int
    seconds: float
    whole: bool = True
    rate: float | None = None


class NotSeen(Event, frozen=True, kw_only=True, tag="not_seen"):
    """Something could not be looked at, and why. `decisive`: the verdict cannot be READY without it."""

    probe: str
    why: str
    decisive: bool = True


class Ended(Event, frozen=True, kw_only=True, tag="ended"):
    """The rehearsal's end: how, why, and its length in seconds."""

    status: RunStatus
    why: str
    seconds: float
    harness_cpu: float


AnyEvent = (
    StageUp
    | Pressed
    | PressedAgain
    | RanIntoLimit
    | FedOn
    | ServiceEnded
    | WallSeen
    | OpenSeen
    | RejectionSeen
    | ScaleDone
    | LogSeen
    | NotSeen
    | Inquiry
    | LoadPlayed
    | Ended
)
