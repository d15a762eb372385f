"""What it is about somebody's turn: the scales together tell a place from a time and from the size of the batch."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from harness.explain import Turn, about_turns

USERS = (100, 200, 500)


def turns(
    fails: Callable[[int, int, float], bool], pace: Callable[[int], float] = lambda batch: 0.1
) -> list[Turn]:
    found = []
    for batch in USERS:
        for place in range(1, batch + 1):
            at = round(place * pace(batch), 1)
            told = "failed: HTTP 401" if fails(place, batch, at) else ""
            found.append(Turn(place - 1, place, batch, at, told))
    return found


def slower(batch: int) -> float:
    return 0.1 if batch < 500 else 0.25


def test_a_time_that_runs_out_is_told_from_a_place_by_a_run_of_another_pace() -> None:
    rule = about_turns(turns(lambda place, batch, at: at >= 15, slower))
    assert rule is not None
    assert rule.sentence == "users whose turn comes at 15 or more seconds fail"
    assert rule.such == rule.failing == len(rule.rows)


def test_a_place_is_told_from_a_time_in_the_same_way() -> None:
    rule = about_turns(turns(lambda place, batch, at: place > 150, slower))
    assert rule is not None and rule.sentence == "users whose place in the batch is 151 or more fail"


def test_what_the_scales_cannot_tell_apart_is_said_with_an_or() -> None:
    rule = about_turns(turns(lambda place, batch, at: place > 150))
    assert rule is not None
    assert rule.sentence == (
        "users whose place in the batch is 151 or more, or whose turn comes at 15.1 or more seconds, fail"
    )


def test_the_size_of_the_batch_is_told_where_anybody_in_it_may_fail() -> None:
    chance = Random(5)
    rule = about_turns(turns(lambda place, batch, at: batch == 500 and chance.random() < 0.3))
    assert rule is None or rule.key.startswith("/batch"), rule
    everybody = about_turns(turns(lambda place, batch, at: batch == 500))
    assert everybody is not None and everybody.sentence == "users whose batch is 500 or more users fail"


def test_chance_and_single_failures_are_no_rule() -> None:
    chance = Random(6)
    assert about_turns(turns(lambda place, batch, at: chance.random() < 0.05)) is None
    assert about_turns(turns(lambda place, batch, at: (place, batch) == (500, 500))) is None
    assert about_turns([]) is None


def test_who_was_not_clearly_seen_counts_on_neither_side() -> None:
    seen = [
        Turn(
            t.index,
            t.position,
            t.batch,
            float("nan") if t.told is None else t.elapsed,
            None if t.index % 3 else t.told,
        )
        for t in turns(lambda place, batch, at: at >= 15, slower)
    ]
    rule = about_turns(seen)
    assert rule is not None and "turn comes at" in rule.sentence
