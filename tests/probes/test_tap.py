"""Which of the requests that passed the tap count as the effect on an item."""

from __future__ import annotations

from harness.probes.tap import Row, effects


def row(item: str, route: str = "POST /pay", status: int | None = 200, key: str = "") -> Row:
    return Row(item, status, status, route, key, 0.0)


def test_a_look_is_no_effect_where_something_is_also_done() -> None:
    assert effects([row("1", "GET /state/{id}"), row("1")]) == [row("1")]
    assert effects([row("1", "GET /pay/{id}")]) == [row("1", "GET /pay/{id}")]


def test_of_several_steps_the_one_that_most_items_took_counts() -> None:
    rows = [row("1", "POST /check"), row("1"), row("2", "POST /check"), row("2"), row("3", "POST /check")]
    assert {one.item for one in effects(rows)} == {"1", "2", "3"}
    assert {one.route for one in effects(rows)} == {"POST /check"}


def test_a_key_that_is_sent_again_counts_once() -> None:
    again = [row("1", key="a"), row("1", key="a"), row("1", key="b"), row("1", status=500, key="a")]
    assert effects(again) == [row("1", key="a"), row("1", key="b"), row("1", status=500, key="a")]
    assert effects([row("1"), row("1")]) == [row("1"), row("1")]
