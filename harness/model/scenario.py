"""A scenario: what is rehearsed, in the words its author writes.

A scenario file is a short Python class. Its services are class attributes, its triggers are methods, tried in the
order written; `seed`, `outcomes` and `effects` say how users get in and what is read back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol, TypeVar

from msgspec import Struct
from msgspec.structs import force_setattr

from harness.errors import UsageError
from harness.model.exchange import Exchange
from harness.model.people import SyntheticUser
from harness.model.quantity import parse_duration, parse_size
from harness.model.service import Process, Service, StageKind

__all__ = [
    "Effect",
    "Method",
    "Outcome",
    "Process",
    "Progress",
    "Reply",
    "Said",
    "Scenario",
    "Service",
    "StageKind",
    "Trigger",
    "TriggerMethod",
    "parse_duration",
    "parse_size",
    "trigger",
]

Said = Literal["ok", "failed", "unknown", "running"]


def _make_text(row: Struct, name: str, value: Any) -> None:
    """What a database or JSON gives for a text may be null, or a number."""
    if not isinstance(getattr(row, name), str):
        force_setattr(row, name, "" if value is None else str(value))


class Outcome(Struct, frozen=True):
    """What the batch says became of one item. A timed-out item is `unknown`: it may have been processed.
    An item that the batch has not touched is simply not told of. `detail` is what the batch says about it."""

    item: str
    said: Said
    detail: str = ""

    def __post_init__(self) -> None:
        _make_text(self, "said", str(self.said))
        _make_text(self, "detail", self.detail)


class Effect(Struct, frozen=True):
    """One thing the downstream really did for an item. Two effects of one item are two records.

    amount    a decimal number as text, where money moves
    step      which of several effects that an item needs ("debit", "credit"); "" where one is all
    content   what else can be right or wrong about it: an account, a digest of the payload
    """

    item: str
    amount: str = ""
    step: str = ""
    content: str = ""

    def __post_init__(self) -> None:
        for name in ("amount", "step", "content"):
            _make_text(self, name, getattr(self, name))


class Progress(Struct, frozen=True):
    """How far the batch is: items it says are done, items it says have failed, and whether it still works."""

    done: int
    failed: int
    running: bool


class Reply(Protocol):
    """The answer to a request: what the client of `live.<service>` returns."""

    @property
    def exchange(self) -> Exchange:
        """The request and its answer in bytes."""

    @property
    def status(self) -> int | None:
        """The status, or None where none came back."""


TriggerMethod = Callable[[Any, Any, list[SyntheticUser]], Reply]
Method = TypeVar("Method", bound=Callable[..., Any])


def trigger(name: str) -> Callable[[Method], Method]:
    """Marks a method as one way to start the batch. It returns the reply of the request that starts it."""

    def mark(method: Method) -> Method:
        method.trigger_name = name  # type: ignore[attr-defined]
        return method

    return mark


@dataclass(frozen=True)
class Trigger:
    """One way to start the batch: its name in reports, and the method that does it."""

    name: str
    method: str


class Scenario:
    """What is rehearsed. Subclass it in a file in `scenarios/`; the docstring's first line is shown in reports.

    usual      how many users the batch has on an ordinary day
    scales     multiples of `usual` to rehearse, ascending
    deadline   how long the real run may take ("4h"); "" for none
    checkpoints  how often a scale is held still for some milliseconds to read memory exactly; 0: never
    patience   how long the batch may go without finishing an item before it counts as stuck
    begins     how long the batch may take from a press to its first item before the press counts as lost
    quiet      how long nothing new may be done downstream before what was done is read
    items      a harness.Load: the batch is not started once, its caller sends one request for each user
    downstream a harness.Load: how the batch calls a service; played against that service alone, 1x to 10x at once
    background a harness.Load with a rate: what others ask of the services meanwhile
    population what the users are made of: Population.spec("name", "iban", edges=0.03); None: the standard fields
    attempts_at_once  how many tries through `attempt()` may be under way at the same time

    Of the attach stage only, where services already run (staging):
    allow         the hosts that may be sent anything at all, by name
    side_effects  whether users may be put in and triggers pulled there; else it is only read from
    cap           the largest multiple of `usual` that may be sent there
    """

    usual: ClassVar[int] = 0
    scales: ClassVar[tuple[int, ...]] = (1, 2, 5, 10)
    deadline: ClassVar[str] = ""
    checkpoints: ClassVar[int] = 80
    patience: ClassVar[str] = "60s"
    begins: ClassVar[str] = "5s"
    quiet: ClassVar[str] = "5s"
    population: ClassVar[Any] = None
    allow: ClassVar[tuple[str, ...]] = ()
    side_effects: ClassVar[bool] = False
    cap: ClassVar[int] = 1
    attempts_at_once: ClassVar[int] = 1
    items: ClassVar[Any] = None
    downstream: ClassVar[Any] = None
    background: ClassVar[Any] = None

    def seed(self, live: Any, users: list[SyntheticUser]) -> None:
        """Puts the users where the batch finds them. Called once on each fresh stage."""

    def change(self, live: Any, users: list[SyntheticUser]) -> None:
        """Changes the data of users who are in already, between two presses. Where it is missing, `fuzz` changes the
        input only by users who come in later."""
        raise NotImplementedError

    def attempt(self, live: Any, user: SyntheticUser) -> Outcome | None:
        """Sends one user through the smallest real path and says what became of it. Called many times on a stage
        that is thrown away, each time with an id of its own. Where it is missing, the harness does it with seed(),
        the first trigger that gets through, and outcomes(): several tries as one press."""
        return None

    def outcomes(self, live: Any) -> Iterable[Outcome]:
        """What the batch says became of each item it has touched."""
        raise NotImplementedError

    def effects(self, live: Any) -> Iterable[Effect] | None:
        """What the downstream really did, every effect a record of its own. None: it cannot be read."""
        return None

    def expected(self, user: SyntheticUser) -> Effect | Iterable[Effect] | None:
        """What the downstream shall do for this user: one effect, or several that differ in `step`; an empty
        `amount` or `content` is not compared. None: each user once, whatever its content."""
        return None

    def progress(self, live: Any) -> Progress:
        """How far the batch is. Asked many times a second: override it where a cheaper way exists."""
        said = [outcome.said for outcome in self.outcomes(live)]
        return Progress(said.count("ok"), said.count("failed") + said.count("unknown"), "running" in said)

    @classmethod
    def services(cls) -> dict[str, Service]:
        """The services by name, in the order in which they are to be started."""
        found: dict[str, Service] = {}
        for base in reversed(cls.__mro__):
            found |= {value.name: value for value in vars(base).values() if isinstance(value, Service)}
        ordered: dict[str, Service] = {}

        def start(service: Service, waiting: tuple[str, ...]) -> None:
            if service.name in waiting:
                raise UsageError(
                    f"services call each other in a circle: {' -> '.join((*waiting, service.name))}",
                    expected="`calls` that name only services started before",
                    fix="take one of the calls out: it orders the start, it does not allow or forbid traffic",
                )
            needed = [*service.calls, *([service.fronts] if service.fronts else [])]
            for other in needed:
                if other.name not in found:
                    raise UsageError(
                        f"service {service.name!r} calls a service that {cls.__name__} does not have",
                        expected=f"one of {', '.join(found)}",
                        cause="the service is defined outside the class, or under another name",
                        fix="make it an attribute of the scenario class",
                    )
                start(found[other.name], (*waiting, service.name))
            ordered.setdefault(service.name, service)

        for service in found.values():
            start(service, ())
        return ordered

    @classmethod
    def drivers(cls) -> list[str]:
        """The services that push the others on: those that none calls, without gateways."""
        services = cls.services()
        called = {other.name for service in services.values() for other in service.calls}
        return [name for name, service in services.items() if name not in called and not service.fronts]

    @classmethod
    def downstreams(cls, kind: StageKind) -> tuple[str, ...]:
        """What the drivers call on that stage, in the order in which they name it."""
        services = cls.services()
        called = [one for name in cls.drivers() if services[name].on(kind) for one in services[name].calls]
        return tuple(dict.fromkeys(one.name for one in called if one.on(kind)))

    @classmethod
    def triggers(cls) -> list[Trigger]:
        """The triggers in the order written, those of a base class first."""
        found: dict[str, str] = {}
        for base in reversed(cls.__mro__):
            for name, value in vars(base).items():
                if hasattr(value, "trigger_name"):
                    found[name] = value.trigger_name
        return [Trigger(name=shown, method=method) for method, shown in found.items()]
