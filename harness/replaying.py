"""One user of an earlier rehearsal once more: is the cause mended?"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from harness.drive.attempts import Attempts, Unrecorded
from harness.drive.play import Play
from harness.errors import UsageError
from harness.inquiry import told
from harness.loading import Loaded, load
from harness.model.causes import CARD, Cause, CauseFound
from harness.model.phases import Enter, unbounded
from harness.model.record import Record
from harness.model.stage import OpenStage
from harness.opening import engine_for, opener
from harness.population import Population
from harness.stage import build_images

Word = Literal["FIXED", "STILL", "CANNOT TELL"]
TRIES = 3


@dataclass(frozen=True)
class Replayed:
    """The word, what it rests on, and how often the example failed."""

    word: Word
    why: str
    failed: int
    tries: int


def find_cause(record: Record, finding: str) -> CauseFound:
    """The cause behind a finding's id (its first letters are enough). Raises UsageError."""
    causes = {event.finding: event for event in record.all(CauseFound)}
    chosen = [event for found, event in causes.items() if finding and found.startswith(finding)]
    if len(chosen) == 1:
        return chosen[0]
    raise UsageError(
        f"{record.folder} has {len(chosen) or 'no'} causes with the id {finding!r}",
        expected=f"one of {', '.join(causes)}"
        if causes
        else "a rehearsal in which users failed for a reason found",
        cause="" if chosen else f"only {CARD} can be replayed",
        fix="take the id from the report: it stands in the finding's reproduce line",
    )


def scenario_of(record: Record) -> Loaded:
    """The scenario that was rehearsed, looked for from here and from the run's folder upwards."""
    source = record.manifest.source
    if PurePosixPath(source).is_absolute() or ".." in PurePosixPath(source).parts:
        raise UsageError(
            f"{record.folder} says that its scenario is {source[:200]!r}",
            expected="a file of the project, by a path below its folder",
            cause="the record is not one of this project's: what it names would be executed",
        )
    for folder in (Path.cwd(), *record.folder.resolve().parents):
        if (folder / source).is_file():
            return load(str(folder / source))
    return load(source)


def replay(cause: Cause, attempts: Attempts) -> Replayed:
    """Tries the example, and the passing user it was held against: if that one fails, nothing can be told."""
    words = [told(attempts, cause.example) for _ in range(TRIES)]
    failed = sum(word == cause.signature for word in words)
    if failed:
        return Replayed("STILL", f"{cause.sentence}: {cause.signature}", failed, TRIES)
    other = next((word for word in words if word != ""), "")
    if other != "":
        return Replayed("CANNOT TELL", f"the user now fails otherwise: {other or 'not seen'}", failed, TRIES)
    if cause.passing and told(attempts, cause.passing) != "":
        return Replayed("CANNOT TELL", "the user who passed then does not pass now", failed, TRIES)
    return Replayed("FIXED", f"{TRIES} of {TRIES} tries passed", failed, TRIES)


@contextmanager
def attempts_on(
    loaded: Loaded, seed: int, open_stage: OpenStage, budget: float, phase: Enter = unbounded
) -> Iterator[Attempts]:
    """Single tries on a stage of their own, for `budget` seconds at most."""
    with open_stage() as stage:
        until = time.monotonic() + budget
        play = Play(loaded.scenario, loaded.source, [], until, Unrecorded(), lambda text: None, phase=phase)
        yield Attempts(play, stage, Population(seed, loaded.scenario.population), first=0)


def outcome_of(scenario: str, data: Mapping[str, Any], *, stage: str = "auto", seed: int = 1) -> str:
    """What becomes of one user on a fresh stage: "ok", or how it fails. For tests that a rehearsal wrote."""
    loaded = load(scenario)
    engine, _ = engine_for(stage, loaded.scenario)
    images = build_images(engine, loaded.scenario, loaded.root) if engine else {}
    with attempts_on(loaded, seed, opener(loaded, engine, images), 120.0) as attempts:
        word = told(attempts, data)
    return "not seen" if word is None else word or "ok"
