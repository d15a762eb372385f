"""The inquiry: who failed according to the record, single tries on a live stage, and the reasons that they show."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from harness.drive.attempts import Attempts
from harness.drive.performance import Play
from harness.explain import Budget, Seen, explain
from harness.model.causes import Cause, CauseFound, Inquired, signature
from harness.model.people import People, SyntheticUser
from harness.model.record import Record, ScaleDone
from harness.model.stage import Stage

MOST_CALLS = 150
LONGEST = 120.0
ONCE_MORE = 3
"""How often the example of a cause is tried at least."""


def seen_failing(record: Record, people: People, users: Sequence[SyntheticUser]) -> tuple[int, Seen] | None:
    """The largest scale at which users failed, and what it showed of them; None where none failed.

    Whoever passed at a smaller scale and failed at this one is left out: that is load, or chance, not data.
    """
    told = {done.scale: _said(record, done) for done in record.all(ScaleDone)}
    failing = [scale for scale, said in told.items() if any(said.values())]
    if not failing:
        return None
    scale = max(failing)
    smaller = [told[other] for other in told if other < scale]
    by_id = {user.id: user for user in users}
    here = {item: word for item, word in told[scale].items() if item in by_id}
    for item, word in here.items():
        if word and any(other.get(item) == "" for other in smaller):
            here[item] = None
        elif word:
            said, _, detail = word.partition("\0")
            here[item] = signature(said, detail, by_id[item].data.values())
    chosen = [user for user in users if user.id in here]
    seen = Seen(chosen, [here[user.id] for user in chosen], people.twin, wavering=_wavering(told, scale))
    return scale, seen


def inquire(play: Play, stage: Stage, people: People, found: tuple[int, Seen]) -> None:
    """Explains the failures by single tries on this stage, which is thrown away, and records the causes."""
    scale, seen = found
    attempts = Attempts(play, stage, people, first=len(play.users))
    started = time.monotonic()
    until = min(play.deadline, started + LONGEST)
    budget = Budget(MOST_CALLS, open=lambda: time.monotonic() < until)

    def ask(round_of: Sequence[Mapping[str, Any]]) -> list[str | None]:
        play.say(f"why users fail: try {budget.used} of at most {budget.calls}")
        return [told(attempts, data) for data in round_of]

    result = explain(seen, ask, budget)
    service = _entry(play)
    for cause in result.causes:
        again, requests = _reproduced(cause, attempts, until)
        item = next(user.id for user in seen.users if user.index == cause.index)
        play.record.event(CauseFound(scale=scale, service=service, item=item, cause=again, requests=requests))
    play.record.event(
        Inquired(
            scale=scale,
            failures=result.failures,
            unexplained=result.unexplained,
            tried_alone=result.tried_alone,
            passed_alone=result.passed_alone,
            calls=result.calls,
            seconds=round(time.monotonic() - started, 2),
            spent=result.spent,
        )
    )


def told(attempts: Attempts, data: Mapping[str, Any]) -> str | None:
    """One try in the words of `explain`: "" passed, a signature, or None where it was not seen."""
    outcome = attempts.attempt(data)
    if outcome is None or outcome.said == "running":
        return None
    return "" if outcome.said == "ok" else signature(outcome.said, outcome.detail, data.values())


def _reproduced(cause: Cause, attempts: Attempts, until: float) -> tuple[Cause, list[str]]:
    """The cause with its example tried often enough, and the last such try as curl lines."""
    if cause.about != "data":
        return cause, []
    hits, tries = cause.reproduced, cause.tries
    once = True
    while once or (tries < ONCE_MORE and time.monotonic() < until):
        hits, tries, once = hits + (told(attempts, cause.example) == cause.signature), tries + 1, False
    return replace(cause, reproduced=hits, tries=tries), attempts.requests


def _said(record: Record, done: ScaleDone) -> dict[str, str | None]:
    """By item: "" done, "word NUL detail" failed, None not clear."""
    table = record.table(f"items-{done.scale}")
    rows = zip(table.get("item", []), table.get("said", []), table.get("detail", []), strict=True)
    found: dict[str, str | None] = {}
    for item, said, detail in rows:
        found[item] = "" if said == "ok" else f"{said}\0{detail}" if said in ("failed", "unknown") else None
    return found


def _wavering(told: Mapping[int, Mapping[str, str | None]], scale: int) -> float:
    """The share of those who failed at a smaller scale and passed at the largest: no load explains that."""
    failed = [item for other in told if other < scale for item, word in told[other].items() if word]
    passed = sum(told[scale].get(item) == "" for item in failed)
    return min(passed / len(failed), 0.45) if len(failed) >= ONCE_MORE else 0.0


def _entry(play: Play) -> str:
    """The service that holds the batch: the one behind a gateway, else the last."""
    services = list(play.scenario.services().values())
    fronted = [service.fronts.name for service in services if service.fronts]
    return fronted[0] if fronted else services[-1].name
