"""Why users fail: a card for each cause, and apart from them, those who fail only among many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from math import comb

from msgspec.structs import replace

from harness.checks.place import batch_of
from harness.checks.showing import at_scales
from harness.model.causes import CARD, TURN, Cause, CauseFound, Inquired
from harness.model.events import NotSeen, ScaleDone
from harness.model.finding import Evidence, Finding, Reproduce, fingerprint
from harness.model.record import Record

FEWEST = 5
UNLIKELY = 0.01
MOST_SHOWN = 160


def check(record: Record) -> Iterator[Finding | NotSeen]:
    """ITEM-010 for each cause, ITEM-022 for somebody's turn, ITEM-020 for load, ITEM-021 for chance; NotSeen where
    failures have no cause."""
    yield from _cards(record)
    yield from _load_or_chance(record)
    for event in record.all(Inquired):
        if event.unexplained > event.passed_alone and event.unexplained > event.failures * UNLIKELY:
            alone = (
                f"; of {event.tried_alone} tried alone {event.passed_alone} passed"
                if event.tried_alone
                else ""
            )
            why = "the calls ran out" if event.spent else f"no rule and no single try tells why{alone}"
            yield NotSeen(
                probe=f"why {event.unexplained:,} of {event.failures:,} users fail", why=why, decisive=False
            )


def _cards(record: Record) -> Iterable[Finding]:
    """One for each cause; where it makes users fail in several ways, the first found tells of the others too."""
    cards: dict[str, Finding] = {}
    for event in record.all(CauseFound):
        if event.finding in cards:
            card = cards[event.finding]
            also = Evidence("users", _coverage(event.cause))
            cards[event.finding] = replace(card, evidence=[*card.evidence, also])
        else:
            cards[event.finding] = (
                _card(record, event) if event.cause.about == "data" else _turn(record, event)
            )
    return cards.values()


def _card(record: Record, event: CauseFound) -> Finding:
    cause = event.cause
    evidence = [
        *(Evidence("diff", _difference(field, passes, fails)) for field, passes, fails in _rows(cause)),
        Evidence("users", _coverage(cause)),
        Evidence("tries", _tries(cause)),
        *(Evidence("curl", line) for line in event.requests),
        Evidence("test", event.test),
    ]
    words = cause.sentence.removeprefix("users whose ").removesuffix(" fail")
    return Finding(
        code=CARD,
        id=event.finding,
        severity="medium",
        title=_title(cause),
        service=event.service,
        counts={f"{event.scale}x": cause.failing},
        evidence=evidence,
        cause=f"one user alone fails so too, and passes without it: it is this ({words}), not their number",
        advice="Mend it where the words of the failure come from, and run the test of this finding until it passes;"
        " or take these users out before the day.",
        reproduce=Reproduce(["rehearse", "replay", record.place, event.finding], record.manifest.seed),
    )


def _turn(record: Record, event: CauseFound) -> Finding:
    """It is their turn: alone, or in a smaller batch, the same users pass."""
    cause = event.cause
    alone = "pass" if cause.removed else "were not seen"
    return Finding(
        code=TURN,
        id=event.finding,
        severity="high",
        title=_title(cause),
        service=event.service,
        counts={f"{event.scale}x": cause.failing},
        evidence=[
            Evidence(
                "users",
                f"{cause.failing:,} of {cause.such:,} such turns failed over all scales ({cause.signature}); this"
                f" explains {cause.explained:,} of {cause.failures:,} that no data explain",
            ),
            Evidence("tries", f"tried alone, such users {alone}; for example user {event.item}"),
        ],
        cause="it is not these users' data, it is when and among how many they have their turn: what was given at the"
        " start runs out (a token, a session, a time window, a connection, memory)",
        advice="Find what was taken once at the start and is used till the end; take it anew, or hand the users over"
        " in batches that end before.",
        reproduce=at_scales(record, *record.manifest.scales),
    )


def _title(cause: Cause) -> str:
    counted = f": {cause.failing:,} of {cause.such:,}"
    text = cause.sentence[0].upper() + cause.sentence[1:]
    room = 80 - len(counted)
    return (text if len(text) <= room else text[: room - 1] + "…") + counted


def _rows(cause: Cause) -> list[tuple[str, object, object]]:
    return [(change.field, change.passes, change.fails) for change in cause.diff]


def _difference(field: str, passes: object, fails: object) -> str:
    return f"{field}: {_short(passes)} passes, {_short(fails)} fails"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}… ({len(str(value)):,} characters)"


def _coverage(cause: Cause) -> str:
    text = f"{cause.failing:,} of {cause.such:,} such users failed ({cause.signature});"
    text += f" this explains {cause.explained:,} of all {cause.failures:,} failures;"
    labels = f", with {', '.join(cause.labels)}" if cause.labels else ""
    return f"{text} for example user number {cause.index}{labels}"


def _tries(cause: Cause) -> str:
    said = {True: "yes", False: "no", None: "not seen"}
    return (
        f"fails alone in {cause.reproduced} of {cause.tries} tries; passes without it: {said[cause.removed]};"
        f" another user fails with it: {said[cause.injected]}; {cause.calls} tries with fresh ids to find out"
    )


def _load_or_chance(record: Record) -> Iterator[Finding]:
    """Users who passed at the smallest scale and failed at a larger one. As many the other way round is chance."""
    scales = sorted({done.scale for done in record.all(ScaleDone)})
    if len(scales) < 2:
        return
    first, moved = scales[0], dict[str, tuple[int, int]]()
    said = dict(_words(record, first))
    for scale in scales[1:]:
        turns = Counter((said[item], word) for item, word in _words(record, scale) if item in said)
        moved[f"{scale}x"] = turns["ok", "failed"], turns["failed", "ok"]
    worst = max(moved, key=lambda scale: moved[scale])
    lost, back = moved[worst]
    if lost + back < FEWEST:
        return
    load = lost > back and _by_chance(lost, back) < UNLIKELY
    seen = (
        f"of the users of {first}x, {lost:,} passed there and failed at {worst}; {back:,} the other way round"
    )
    service = batch_of(record)
    code = "ITEM-020" if load else "ITEM-021"
    yield Finding(
        code=code,
        id=fingerprint(code, service),
        severity="high" if load else "medium",
        title=f"{lost:,} users pass at {first}x and fail at {worst}: load, not data"
        if load
        else f"{lost + back:,} users fail at one scale and pass at another: by chance",
        service=service,
        counts={scale: fell for scale, (fell, _) in moved.items()},
        evidence=[Evidence("batch", seen)],
        cause="the same people with the same data fail only among many: a time-out, a pool, a lock, or memory"
        if load
        else "the same users with the same data do not always end alike",
        advice="Look at what was scarce when they had their turn (time-outs, connections, memory); send them again."
        if load
        else "Find what differs between two runs: time-outs, an order, a race; until then expect to send some again.",
        reproduce=at_scales(record, first, worst.rstrip("x")),
    )


def _words(record: Record, scale: int) -> Iterator[tuple[str, str]]:
    for chunk in record.chunks(f"items-{scale}"):
        yield from zip(chunk["item"], chunk["said"], strict=True)


def _by_chance(more: int, less: int) -> float:
    """How likely so many of `more + less` fall on one side, if both sides were alike."""
    of = min(more + less, 1_000)
    least = round(more * of / (more + less))
    return float(sum(comb(of, k) for k in range(least, of + 1)) / 2**of)
