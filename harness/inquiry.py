"""The inquiry: who failed according to the record, single tries on a live stage, and the reasons that they show.

What no single try shows (somebody's place, the time, the size of the batch) is looked for over all scales at once.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Container, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from harness.drive.attempts import Attempts
from harness.drive.play import Play
from harness.explain import Budget, Explained, Seen, Turn, TurnRule, about_turns, explain
from harness.measures.series import turns
from harness.model.causes import Cause, CauseFound, Inquired, signature
from harness.model.events import ScaleDone
from harness.model.people import People, SyntheticUser
from harness.model.record import Record
from harness.model.scenario import Outcome
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
            here[item] = _signed(word, by_id[item])
    chosen = [user for user in users if user.id in here]
    seen = Seen(chosen, [here[user.id] for user in chosen], people.twin, wavering=_wavering(told, scale))
    return scale, seen


def seen_turns(record: Record, users: Sequence[SyntheticUser], without: Container[int]) -> list[Turn]:
    """Every user's turn at every scale; those `without`, whose data are to blame, are not told of."""
    found: list[Turn] = []
    for done in record.all(ScaleDone):
        said = _said(record, done)
        elapsed = turns(record, done.scale, done.users).round(1).tolist()
        for place, user in enumerate(users[: done.users]):
            word = None if user.index in without else said.get(user.id)
            told = _signed(word, user) if word else word
            found.append(Turn(user.index, place + 1, done.users, elapsed[place], told))
    return found


def inquire(play: Play, stage: Stage, people: People, found: tuple[int, Seen]) -> None:
    """Explains the failures by single tries on this stage, which is thrown away, and records the causes."""
    scale, seen = found
    attempts = Attempts(play, stage, people, first=len(play.users))
    started = time.monotonic()
    until = min(play.deadline, started + LONGEST)
    budget = Budget(MOST_CALLS, open=lambda: time.monotonic() < until)

    def ask(round_of: Sequence[Mapping[str, Any]]) -> list[str | None]:
        play.say(f"why users fail: try {budget.used} of at most {budget.calls}")
        return told_together(attempts, round_of)

    result = explain(seen, ask, budget)
    service = _entry(play)
    for cause in _with_turns(result, Record(play.record.folder), play.users, attempts):
        again, requests = _reproduced(cause, attempts, until)
        item = next(user.id for user in play.users if user.index == cause.index)
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


def _with_turns(
    result: Explained, record: Record, users: Sequence[SyntheticUser], attempts: Attempts
) -> list[Cause]:
    """The causes, with what all scales together tell of turns in place of what one scale does."""
    seen = seen_turns(record, users, result.by_data)
    rule = about_turns(seen)
    if rule is None:
        return result.causes
    by_index = {user.index: user for user in users}
    examples = list(dict.fromkeys(seen[row].index for row in rule.rows))
    chosen = [by_index[index] for index in (examples[0], examples[-1])][: len(examples)]
    words = [told(attempts, user.data) for user in chosen]
    if any(words):
        return result.causes  # such a user fails alone too: their turn is not what it takes
    passed = None if None in words else True
    others = [cause for cause in result.causes if cause.about == "data"]
    return [*others, _turn_cause(rule, seen, chosen[0], passed)]


def _turn_cause(
    rule: TurnRule, seen: Sequence[Turn], user: SyntheticUser, passed_alone: bool | None
) -> Cause:
    words = Counter(seen[row].told or "" for row in rule.rows)
    return Cause(
        sentence=rule.sentence,
        key=rule.key,
        about="place",
        fields=[],
        signature=words.most_common(1)[0][0],
        such=rule.such,
        failing=rule.failing,
        explained=rule.failing,
        failures=sum(bool(turn.told) for turn in seen),
        index=user.index,
        labels=list(user.edges),
        example=dict(user.data),
        removed=passed_alone,
    )


def told(attempts: Attempts, data: Mapping[str, Any]) -> str | None:
    """One try in the words of `explain`: "" passed, a signature, or None where it was not seen."""
    return _word(attempts.attempt(data), data)


def told_together(attempts: Attempts, round_of: Sequence[Mapping[str, Any]]) -> list[str | None]:
    """The same for several tries at the same time."""
    return [_word(outcome, data) for outcome, data in zip(attempts.round(round_of), round_of, strict=True)]


def _word(outcome: Outcome | None, data: Mapping[str, Any]) -> str | None:
    if outcome is None or outcome.said == "running":
        return None
    return "" if outcome.said == "ok" else signature(outcome.said, outcome.detail, data.values())


def _reproduced(cause: Cause, attempts: Attempts, until: float) -> tuple[Cause, list[str]]:
    """The cause with its example tried often enough, and the last such try as curl lines."""
    if cause.about != "data":
        return cause, []
    missing = max(0, ONCE_MORE - cause.tries - 1) if time.monotonic() < until else 0
    words = told_together(attempts, [cause.example] * missing)
    words.append(told(attempts, cause.example))  # alone, so that its requests carry nobody else
    hits = sum(word == cause.signature for word in words)
    found = replace(cause, reproduced=cause.reproduced + hits, tries=cause.tries + len(words))
    return found, attempts.requests


def _said(record: Record, done: ScaleDone) -> dict[str, str | None]:
    """By item: "" done, "word NUL detail" failed, None not clear."""
    table = record.table(f"items-{done.scale}")
    rows = zip(table.get("item", []), table.get("said", []), table.get("detail", []), strict=True)
    found: dict[str, str | None] = {}
    for item, said, detail in rows:
        found[item] = "" if said == "ok" else f"{said}\0{detail}" if said in ("failed", "unknown") else None
    return found


def _signed(word: str, user: SyntheticUser) -> str:
    said, _, detail = word.partition("\0")
    return signature(said, detail, user.data.values())


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
