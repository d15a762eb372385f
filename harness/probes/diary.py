"""The account of one experiment: which presses there were, and which effect was there after which of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from harness.errors import EngineGone, HarnessError, TimeBudgetSpent
from harness.model.events import AgainKind, NotSeen, PressedAgain, PressNote
from harness.model.record import RecordWriter
from harness.model.scenario import Effect, Outcome, Progress
from harness.probes.items import LONGEST_WAIT, kept, read_outcomes, settle
from harness.tap.remote import TapGone


class Pressing(Protocol):
    """How one press went."""

    @property
    def accepted(self) -> bool | None:
        """Whether the batch took the items."""

    @property
    def why(self) -> str:
        """What that rests on."""

    @property
    def progress(self) -> Progress:
        """How far the batch was when it had come to rest."""

    @property
    def stuck(self) -> bool:
        """Whether it did not come to rest."""


Admin = Callable[[], Pressing]


class Desk(Protocol):
    """A fresh stage with `users` users put in; see harness.drive.desk."""

    users: int
    patience: float
    quiet: float

    def admin(self) -> Admin:
        """Somebody new, logged in: each call presses and waits until the batch is idle."""

    def progress(self) -> Progress:
        """How far the batch is."""

    def outcomes(self) -> Iterable[Outcome]:
        """What the batch says became of each item."""

    def effects(self) -> Iterable[Effect] | None:
        """What the downstream did."""

    def kill(self, service: str) -> None:
        """Ends a service as a power cut would."""

    def revive(self, service: str) -> None:
        """Starts it again on the same data."""

    def freeze(self, service: str) -> None:
        """Stops a service in its tracks."""

    def thaw(self, service: str) -> None:
        """Lets it go on."""

    def come_in(self) -> int:
        """Puts in the users who were held back, and says how many they are."""


class CannotSee(HarnessError):
    """The experiment cannot be read."""


@dataclass
class Diary:
    """What an experiment has seen so far: its presses; every effect, and every new word of the batch, with the press
    after which it was there."""

    desk: Desk
    presses: list[PressNote] = field(default_factory=list)
    said: dict[str, str] = field(default_factory=dict)
    words: list[tuple[str, str, int]] = field(default_factory=list)
    seen: Counter[Effect] = field(default_factory=Counter)
    rows: list[tuple[Effect, int]] = field(default_factory=list)
    vanished: int = 0

    def note(self, press: Pressing) -> PressNote:
        """Keeps one press, and the effects and words that are new since the last."""
        self.take_in(read_ledger(self.desk), len(self.presses) + 1)
        self._hear(len(self.presses) + 1)
        return self._add(press.accepted, press.why, press.progress)

    def cut_off(self, why: str) -> None:
        """Keeps a press that did not come to its end."""
        self.take_in(read_ledger(self.desk), len(self.presses) + 1)
        self._hear(len(self.presses) + 1)
        self._add(None, why, self.desk.progress(), stopped=True)

    def together(self, first: Pressing, second: Pressing) -> None:
        """Keeps two presses at once: the second copy of an effect is the second press's."""
        before = Counter((effect.item, effect.step) for effect, _ in self.rows)
        number = len(self.presses) + 1
        self.take_in(read_ledger(self.desk), number)
        for place, (effect, press) in enumerate(self.rows):
            if press == number:
                before[effect.item, effect.step] += 1
                if before[effect.item, effect.step] > 1:
                    self.rows[place] = (effect, number + 1)
        self._hear(number)
        self._add(first.accepted, first.why, first.progress)
        self._add(second.accepted, second.why, second.progress)

    def take_in(self, rows: Iterable[Effect], number: int) -> None:
        """Keeps the effects that are new, as of press `number`, and counts those that are gone."""
        now = Counter(rows)
        self.rows += [(effect, number) for effect in (now - self.seen).elements()]
        self.vanished += (self.seen - now).total()
        self.seen = now

    def _hear(self, number: int) -> None:
        for item, said in _words(self.desk):
            if self.said.get(item) != said:
                self.said[item] = said
                self.words.append((item, said, number))

    def _add(
        self, accepted: bool | None, why: str, progress: Progress, *, stopped: bool = False
    ) -> PressNote:
        self.presses.append(
            PressNote(
                number=len(self.presses) + 1,
                accepted=accepted,
                why=why,
                done=progress.done,
                failed=progress.failed,
                left=self.desk.users - progress.done - progress.failed,
                effects=self.seen.total(),
                stopped=stopped,
            )
        )
        return self.presses[-1]


@contextmanager
def set_aside(what: str, record: RecordWriter) -> Iterator[None]:
    """What goes wrong within it is not seen, and no more; a spent budget or a lost engine ends everything."""
    try:
        yield
    except (TimeBudgetSpent, EngineGone):
        raise
    except (HarnessError, TapGone) as problem:
        seen = problem.seen if isinstance(problem, HarnessError) else str(problem)
        record.event(NotSeen(probe=f"when {what}", why=seen))


class Way(Protocol):
    """A way to press the button more than once."""

    @property
    def kind(self) -> AgainKind:
        """Which."""

    @property
    def key(self) -> str:
        """Names its tables."""

    @property
    def what(self) -> str:
        """What is done, to be read after "when"."""

    @property
    def service(self) -> str:
        """To which service; "" for none."""


def pressed_again(way: Way, diary: Diary, trigger: str, *, reached: bool) -> PressedAgain:
    """What came of it, as the record keeps it."""
    return PressedAgain(
        kind=way.kind,
        key=way.key,
        what=way.what,
        service=way.service,
        trigger=trigger,
        users=diary.desk.users,
        reached=reached,
        presses=diary.presses,
        vanished=diary.vanished,
    )


def write_account(diary: Diary, record: RecordWriter, key: str) -> None:
    """Writes `items-<key>`, `effects-<key>` and `words-<key>` (these with a column `press`), once the downstream is
    quiet. Raises CannotSee."""
    desk, number = diary.desk, len(diary.presses)
    found = settle(desk.effects, record, list(read_ledger(desk)), desk.quiet, LONGEST_WAIT)
    if found is None or not read_outcomes(desk.outcomes, record, f"items-{key}"):
        raise CannotSee("the batch's word or the ledger could not be read")
    if not found.quiet:
        raise CannotSee(f"the downstream was still not quiet after {found.waited:.0f} s")
    diary.take_in(found.rows, number)
    gone = Counter(effect for effect, _ in diary.rows) - diary.seen
    rows = [row for row in reversed(diary.rows) if not _spend(gone, row[0])][::-1]
    record.rows(
        f"effects-{key}",
        item=[effect.item for effect, _ in rows],
        amount=[str(effect.amount) for effect, _ in rows],
        step=[effect.step for effect, _ in rows],
        content=[kept(effect.content) for effect, _ in rows],
        press=[press for _, press in rows],
    )
    items, said, presses = zip(*diary.words, strict=True) if diary.words else ((), (), ())
    record.rows(f"words-{key}", item=items, said=said, press=presses)


def _spend(counter: Counter[Effect], effect: Effect) -> bool:
    if counter[effect] <= 0:
        return False
    counter[effect] -= 1
    return True


def _words(desk: Desk) -> list[tuple[str, str]]:
    try:
        return [(outcome.item, outcome.said) for outcome in desk.outcomes()]
    except HarnessError:
        raise
    except Exception as problem:  # the author's code may raise anything: then nothing was seen
        raise CannotSee(
            f"the batch's word could not be read: {type(problem).__name__}: {problem}"
        ) from problem


def read_ledger(desk: Desk) -> Iterable[Effect]:
    """What the downstream has done so far. Raises CannotSee."""
    try:
        rows = desk.effects()
    except HarnessError:
        raise
    except Exception as problem:  # the author's code may raise anything: then nothing was seen
        raise CannotSee(f"the ledger could not be read: {type(problem).__name__}: {problem}") from problem
    if rows is None:
        raise CannotSee("the scenario has no effects(): what was really done was not seen")
    return rows
