"""Presses the button more than once, in each way that people and accidents do, and keeps what came of it.

Every experiment has a fresh stage. What it does is told as a press-by-press account; what became of each user is
read at the end, once the downstream is quiet, and judged elsewhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from harness.errors import EngineGone, HarnessError, TimeBudgetSpent
from harness.model.events import AgainKind, PressNote
from harness.model.record import RecordWriter
from harness.probes.background import Background
from harness.probes.diary import Desk, Diary, Pressing, pressed_again, read_ledger, set_aside, write_account

MOST_PRESSES = 100
MOST_AFTER_ALL_IS_DONE = 6
MOST_AFTER_A_FAULT = 3
MOST_TRIES_TO_CATCH = 30
MOST_TRIES_TO_FREEZE = 3
MOST_HELD = 3
"""So many of the services that a batch calls are held in turn: where it waits decides what a kill leaves behind."""
LATE_SHARE = 0.05
DOWN = 0.5
HELD = 0.5
"""So long is the downstream held before the batch is killed: by then the batch waits for it, with an item in work."""
LONGEST_FREEZE = 45.0


@dataclass(frozen=True)
class Experiment:
    """One way to press the button more than once. `run` says whether it came about; it wants a stage on which a share
    of the users is `held_back` at first."""

    kind: AgainKind
    key: str
    what: str
    run: Callable[[Diary], bool]
    service: str = ""
    held_back: float = 0.0


def experiments(batch: str, downstreams: Sequence[str]) -> list[Experiment]:
    """All of them; `downstreams` are those on the stage that the batch calls, in the order written."""
    ways = [
        Experiment("complete", "again-complete", "the button is pressed until all is done", until_complete)
    ]
    what = "more users come in after the first press and the button is pressed again"
    ways.append(Experiment("changed", "again-changed", what, after_a_change, held_back=LATE_SHARE))
    for gap in (0, 50, 500):
        what = (
            f"the button is pressed twice, {gap} ms apart" if gap else "the button is pressed twice at once"
        )
        ways.append(Experiment("double", f"again-double-{gap}", what, _double(gap / 1000)))
    ways.append(
        Experiment(
            "running", "again-running", "the button is pressed while the batch is at work", while_running
        )
    )
    ways += _kills(batch, downstreams[:MOST_HELD])
    for downstream in downstreams[:1]:
        what = f"{downstream} answers too late and the button is pressed again"
        ways.append(Experiment("late", "again-late", what, _after_timeout(downstream), downstream))
    return ways


def _kills(batch: str, downstreams: Sequence[str]) -> Iterator[Experiment]:
    """Of the batch while each of those it calls keeps it waiting, and of the first of these."""
    then = "is killed (kill -9) at work and the button is pressed again"
    for place, held in enumerate(downstreams or [""]):
        what = f"{batch}, waiting for {held}, {then}" if held else f"{batch} {then}"
        key = f"again-kill-{batch}" + (f"-at-{held}" if place else "")
        yield Experiment("kill", key, what, _after_kill(batch, holding=held, look=False), batch)
    for first in downstreams[:1]:
        if first != batch:
            run = _after_kill(first, holding="", look=True)
            yield Experiment("kill", f"again-kill-{first}", f"{first} {then}", run, first)


def hold(experiment: Experiment, desk: Desk, record: RecordWriter, trigger: str) -> None:
    """Runs one experiment and writes its account and its tables. What goes wrong is not seen, and no more."""
    diary = Diary(desk)
    with set_aside(experiment.what, record):
        reached = experiment.run(diary)
        write_account(diary, record, experiment.key)
        record.event(pressed_again(experiment, diary, trigger, reached=reached))


def until_complete(diary: Diary) -> bool:
    """Presses until nothing changes any more, and at least once after all is done."""
    _until_complete(diary)
    return True


def after_a_change(diary: Diary) -> bool:
    """The input changes between two presses: a few users more are due."""
    diary.note(diary.desk.admin()())
    came = diary.desk.come_in()
    _until_complete(diary)
    return came > 0


def _until_complete(diary: Diary) -> None:
    press = diary.desk.admin()
    unchanged = after = 0
    last: PressNote | None = None
    while len(diary.presses) < MOST_PRESSES:
        went = press()
        note = diary.note(went)
        same = last is not None and _state(note) == _state(last)
        unchanged, last = (unchanged + 1 if same else 0), note
        after += note.left <= 0
        enough = after > MOST_AFTER_ALL_IS_DONE or (after > 1 and not note.failed)
        if went.stuck or unchanged > 1 or enough:
            break


def while_running(diary: Diary) -> bool:
    """A second admin presses while the batch works on the first one's items."""
    second = diary.desk.admin()
    first = _catch(diary)
    if first is None:
        return False
    after = second()
    diary.together(first.result(), after)
    return True


def _double(gap: float) -> Callable[[Diary], bool]:
    def run(diary: Diary) -> bool:
        admins = [diary.desk.admin(), diary.desk.admin()]
        first = Background(admins[0])
        time.sleep(gap)
        second = Background(admins[1])
        diary.together(first.result(), second.result())
        return True

    return run


def _after_kill(service: str, *, holding: str, look: bool) -> Callable[[Diary], bool]:
    """`look`: what was done is read before the kill, so that it is seen if some of it vanishes.

    `holding`: this one is held still meanwhile. Else the kill hits an item in work only by chance: on a machine with
    slow disks two of three fell between two items. What the batch had asked of it lands after the kill.
    """

    def run(diary: Diary) -> bool:
        press = _catch(diary)
        if press is None:
            return False
        if look:
            diary.take_in(read_ledger(diary.desk), len(diary.presses) + 1)
        if not _kill(diary.desk, service, holding, press):
            diary.note(press.result())
            return False
        time.sleep(DOWN)
        diary.desk.revive(service)
        try:
            diary.note(press.result())
        except (TimeBudgetSpent, EngineGone):
            raise
        except HarnessError as problem:  # the batch is gone, or its answer: that is the experiment
            diary.cut_off(problem.seen)
        press_on(diary)
        return True

    return run


def _kill(desk: Desk, service: str, holding: str, press: Background[Pressing]) -> bool:
    """Ends the service while the batch works; False where the batch came to rest before."""
    if not holding:
        desk.kill(service)
        return True
    desk.freeze(holding)
    try:
        time.sleep(HELD)
        if press.ended:
            return False
        desk.kill(service)
        return True
    finally:
        desk.thaw(holding)


def _after_timeout(service: str) -> Callable[[Diary], bool]:
    def run(diary: Diary) -> bool:
        for _ in range(MOST_TRIES_TO_FREEZE):
            press = _catch(diary)
            if press is None:
                return False
            before = diary.seen.total() - diary.desk.progress().done
            noticed = _freeze(diary.desk, service, press)
            press.result()
            time.sleep(diary.desk.quiet)
            note = diary.note(press.result())
            if noticed and note.effects - note.done > before:
                press_on(diary)
                return True
            if note.left <= 0:
                break
        return False

    return run


def _freeze(desk: Desk, service: str, press: Background[Pressing]) -> bool:
    """Holds the service until the batch calls an item failed, and lets it go on: what it was asked lands late.
    False where the batch came to rest, or waited longer, without such an item."""
    desk.freeze(service)
    try:
        before = desk.progress()
        limit = time.monotonic() + min(LONGEST_FREEZE, desk.patience)
        while time.monotonic() < limit:
            ended = press.ended
            if desk.progress().failed > before.failed:
                return True
            if ended:
                return False
            time.sleep(0.05)
        return False
    finally:
        desk.thaw(service)


def press_on(diary: Diary) -> None:
    """A few presses more, until all is through or nothing changes."""
    press = diary.desk.admin()
    for _ in range(MOST_AFTER_A_FAULT):
        before, went = diary.presses[-1], press()
        note = diary.note(went)
        if went.stuck or _state(note) == _state(before):
            return


def _catch(diary: Diary) -> Background[Pressing] | None:
    """A press with the batch at work on it: one item finished, others not. None where it was always too quick."""
    desk, press = diary.desk, diary.desk.admin()
    for _ in range(MOST_TRIES_TO_CATCH):
        before = desk.progress()
        going = Background(press)
        while not going.ended:
            now = desk.progress()
            moved = now.done + now.failed - before.done - before.failed
            if moved > 0 and now.done + now.failed < desk.users and now.running:
                return going
            time.sleep(0.002)
        note = diary.note(going.result())
        if note.left <= 0 or going.result().stuck:
            return None
    return None


def _state(note: PressNote) -> tuple[int, int, int]:
    return note.done, note.failed, note.effects
