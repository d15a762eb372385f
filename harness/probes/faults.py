"""The fault matrix of act two: the button is pressed while the downstream is in trouble, and again once it is not.

Every fault has a fresh stage with few users and a tap before the downstream. It is on for some presses, then off, and
the button is pressed on until nothing changes. What became of each user is judged elsewhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from harness.model.events import AgainKind
from harness.model.record import RecordWriter
from harness.model.stage import Tap
from harness.probes.background import Background
from harness.probes.diary import Desk, Diary, Pressing, pressed_again, set_aside, write_account
from harness.probes.items import read_outcomes
from harness.probes.rerun import press_on
from harness.probes.tap import Listener

MOST_PRESSES_WITH_IT = 3
ENOUGH_HITS = 3
LONGEST_HANG = 45.0
DOWN_FOR = LIMITED_FOR = 3.0
RETRY_AFTER = 5


@dataclass(frozen=True)
class Fault:
    """One thing that the downstream `service` does. `rule`: how the tap plays it (harness.tap.rules)."""

    kind: AgainKind
    service: str
    what: str
    play: str
    rule: dict[str, Any] = field(default_factory=dict)
    asks_to_wait: int = 0

    @property
    def key(self) -> str:
        """Names its stage and its tables."""
        return f"fault-{self.kind}"


def faults(service: str, patience: float) -> list[Fault]:
    """All of them, for a downstream of that name. A batch that waits as it is asked to must not seem to be stuck."""
    wait = max(1, min(RETRY_AFTER, int(patience / 3)))
    for_ever, third = {"options": {"seconds": 3600}}, {"every": 3}
    given: list[tuple[AgainKind, str, str, dict[str, Any]]] = [
        ("hung", f"{service} takes a request and never answers", "delay", {"skip": 1, "most": 1} | for_ever),
        ("reset", f"every third connection to {service} is cut before it is asked", "reset", third),
        ("error", f"{service} answers every third request with 503", "error", third),
        (
            "limit",
            f"{service} answers 429, with Retry-After: {wait}",
            "limit",
            {"seconds": LIMITED_FOR, "options": {"retry_after": wait}},
        ),
        ("dropped", f"every third answer of {service} is lost after it was done", "drop", third),
        ("doubled", f"every third request to {service} is delivered twice", "duplicate", third),
        ("down", f"{service} is down for {DOWN_FOR:g} s", "down", {}),
    ]
    return [
        Fault(kind, service, what, play, rule, asks_to_wait=wait if kind == "limit" else 0)
        for kind, what, play, rule in given
    ]


@dataclass
class Told:
    """What the fault's own presses showed: how often it was played, how long the batch waited for an answer that did
    not come, and whether it gave it up by itself (None: it was not about that)."""

    hits: int = 0
    waited: float = 0.0
    gave_up: bool | None = None
    reached: bool = False


def play(fault: Fault, desk: Desk, tap: Tap, record: RecordWriter, trigger: str) -> None:
    """Plays one fault and writes its account and its tables. What goes wrong is not seen, and no more."""
    diary = Diary(desk)
    with set_aside(fault.what, record):
        with Listener({fault.service: tap}, (), record, fault.key):
            told = _PLAYS.get(fault.kind, _some_presses)(fault, diary, tap)
            read_outcomes(desk.outcomes, record, f"items-{fault.key}-then")
            press_on(diary)
            write_account(diary, record, fault.key)
        record.event(
            replace(
                pressed_again(fault, diary, trigger, reached=told.reached),
                hits=told.hits,
                waited=round(told.waited, 1),
                gave_up=told.gave_up,
                asked_to_wait=fault.asks_to_wait,
            )
        )


def _some_presses(fault: Fault, diary: Diary, tap: Tap) -> Told:
    """Presses with the fault on, until it was played a few times or the batch has nothing left."""
    press = diary.desk.admin()
    tap.play(fault.play, **fault.rule)
    hits = 0
    for _ in range(MOST_PRESSES_WITH_IT):
        went = press()
        hits = tap.hits()
        note = diary.note(went)
        if fault.asks_to_wait:
            time.sleep(fault.asks_to_wait)  # what comes within it is then the batch's own doing, and not ours
        if hits >= ENOUGH_HITS or note.left <= 0 or went.stuck:
            break
    tap.clear()
    return Told(hits=hits, reached=hits > 0)


def _hang(fault: Fault, diary: Diary, tap: Tap) -> Told:
    """One answer does not come: how long does the batch wait for it?"""
    desk, press = diary.desk, diary.desk.admin()
    tap.play(fault.play, **fault.rule)
    failed, going = desk.progress().failed, Background(press)
    longest = min(LONGEST_HANG, desk.patience * 0.9)
    if not _until(lambda: tap.hits() > 0, going, longest):
        tap.clear()
        diary.note(going.result())
        return Told()
    began = time.monotonic()
    gave_up = _until(lambda: desk.progress().failed > failed or going.ended, None, longest)
    waited = time.monotonic() - began
    tap.clear()
    diary.note(going.result())
    return Told(hits=1, waited=waited, gave_up=gave_up, reached=True)


def _down(fault: Fault, diary: Diary, tap: Tap) -> Told:
    """Nobody listens for a while; the button is pressed meanwhile."""
    press = diary.desk.admin()
    tap.play(fault.play, **fault.rule)
    going = Background(press)
    _until(lambda: going.ended, None, DOWN_FOR)
    met = diary.desk.progress().done < diary.desk.users
    tap.clear()
    diary.note(going.result())
    return Told(hits=int(met), reached=met)


_PLAYS: dict[str, Callable[[Fault, Diary, Tap], Told]] = {"hung": _hang, "down": _down}


def _until(true: Callable[[], bool], going: Background[Pressing] | None, seconds: float) -> bool:
    """Whether it becomes true in time, and before `going` has ended."""
    limit = time.monotonic() + seconds
    while not true():
        if time.monotonic() > limit or (going is not None and going.ended and not true()):
            return False
        time.sleep(0.02)
    return True
