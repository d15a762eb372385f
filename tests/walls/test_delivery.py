"""Counting what arrives: silent truncation is found to the item, and nothing is believed that was not counted."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.answer import Answer
from harness.model.finding import NotChecked
from harness.model.walls import Delivery, Open, Wall, checksum
from harness.probes.walls.asking import Budget
from harness.probes.walls.delivery import Shipment, find_delivery_wall
from harness.probes.walls.edge import halvings

OK = Answer(200, "OK", complete=True)
Keep = Callable[[list[str], int], list[str] | Answer]
WIDTH = 11


def ids(n: int) -> list[str]:
    return [f"id-{index:04d}" for index in range(n)]


def body(n: int, pad: int) -> int:
    return WIDTH * n + (len("&pad=") + pad if pad else 0)


def shipment(keep: Keep, usual: int = 400, largest: int = 4000) -> Shipment:
    """A receiver that keeps `keep(ids, body bytes)` of what is sent, or answers with a refusal."""

    def deliver(n: int, pad: int) -> Delivery:
        sent = ids(n)
        kept = keep(sent, body(n, pad))
        if isinstance(kept, Answer):
            return Delivery(sent=n, items_sum=checksum(sent), arrived=None, answer=kept)
        return Delivery(
            sent=n, items_sum=checksum(sent), arrived=len(kept), arrived_sum=checksum(kept), answer=OK
        )

    return Shipment("batch", "fields", deliver, body, usual, largest)


@given(st.integers(1, 3999))
def test_silent_truncation_is_found_to_the_item(limit: int) -> None:
    wall = find_delivery_wall(shipment(lambda sent, size: sent[:limit]))
    assert isinstance(wall, Wall)
    assert (wall.last_passing, wall.first_failing) == (limit, limit + 1)
    assert (wall.refusal.how, wall.lost_at) == ("lost", limit)
    assert (wall.unit, wall.value) == ("fields", limit)
    assert wall.requests <= 5


@given(st.integers(5000, 43_000))
def test_a_form_that_is_emptied_beyond_a_size_is_found_to_the_byte(limit: int) -> None:
    wall = find_delivery_wall(shipment(lambda sent, size: sent if size <= limit else []))
    assert isinstance(wall, Wall)
    assert (wall.unit, wall.value, wall.lost_at) == ("body", limit, 0)


@given(st.data(), st.integers(1, 400), st.integers(0, 40), st.booleans())
def test_an_unknown_limit_in_bytes_costs_at_most_four_more_than_halving_bytes(
    data: st.DataObject, width: int, own: int, loses: bool
) -> None:
    def size(n: int, pad: int) -> int:
        return own + width * n + (len("&pad=") + pad if pad else 0)

    usual, largest = 40, 400
    limit = data.draw(st.integers(size(2, 1), size(largest, 0) - 1))
    refused = Answer(400, "Bad Request", body=b"no", body_length=2, complete=True)

    def deliver(n: int, pad: int) -> Delivery:
        sent, fits = ids(n), size(n, pad) <= limit
        kept = len(sent) if fits else 0 if loses else None
        total = checksum(sent if fits else [])
        answer = OK if fits or loses else refused
        return Delivery(sent=n, items_sum=checksum(sent), arrived=kept, arrived_sum=total, answer=answer)

    wall = find_delivery_wall(Shipment("batch", "form_bytes", deliver, size, usual, largest))
    assert isinstance(wall, Wall)
    assert (wall.unit, wall.value) == ("body", limit)
    low, high = (1, usual) if wall.below_usual else (usual, largest)
    assert wall.requests + wall.identifying <= 2 + halvings(size(low, 0), size(high, 0)) + 4
    fields = find_delivery_wall(Shipment("batch", "fields", deliver, size, usual, largest))
    assert isinstance(fields, Wall)
    assert (fields.unit, fields.value) == ("body", limit)
    assert fields.requests + fields.identifying <= 2 + halvings(size(low, 0), size(high, 0)) + 4


@given(st.integers(2, 3999))
def test_a_refusal_by_count_is_found_to_the_item_within_the_budget(limit: int) -> None:
    refused = Answer(400, "Bad Request", body=b"no", body_length=2, complete=True)
    wall = find_delivery_wall(shipment(lambda sent, size: sent if len(sent) <= limit else refused))
    assert isinstance(wall, Wall)
    assert (wall.last_passing, wall.refusal.status) == (limit, 400)
    assert wall.requests <= 2 + halvings(1, 4000) + 4


def test_as_many_but_other_items_are_a_loss_too() -> None:
    wall = find_delivery_wall(
        shipment(lambda sent, size: sent if len(sent) < 1000 else [*sent[:-1], sent[0]])
    )
    assert isinstance(wall, Wall)
    assert (wall.first_failing, wall.lost_at) == (1000, 1000)


def test_where_all_arrives_one_delivery_says_so() -> None:
    seen = find_delivery_wall(shipment(lambda sent, size: sent))
    assert isinstance(seen, Open)
    assert (seen.up_to, seen.requests) == (4000, 1)


def test_a_way_of_sending_on_which_nothing_arrives_is_a_loss_from_the_first_item_on() -> None:
    wall = find_delivery_wall(shipment(lambda sent, size: []))
    assert isinstance(wall, Wall)
    assert (wall.last_passing, wall.first_failing, wall.lost_at) == (0, 1, 0)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (OK, "could not be counted"),
        (Answer(fate="refused", error="connection refused"), "no connection"),
        (Answer(503, "Busy", complete=True), "busy"),
        (Answer(403, "Forbidden", complete=True), "one item is refused as well"),
        (Answer(414, "URI Too Long", complete=True), "one item is refused as well"),
    ],
)
def test_what_cannot_be_counted_is_no_verdict(answer: Answer, why: str) -> None:
    seen = find_delivery_wall(shipment(lambda sent, size: answer))
    assert isinstance(seen, NotChecked)
    assert why in seen.why


def test_a_spent_budget_is_no_verdict() -> None:
    refused = Answer(400, "Bad Request", complete=True)
    seen = find_delivery_wall(
        shipment(lambda sent, size: sent if len(sent) < 777 else refused), Budget(requests=3)
    )
    assert isinstance(seen, NotChecked)
    assert "budget" in seen.why


def test_a_checksum_tells_sets_apart_and_knows_no_order() -> None:
    assert checksum(["b", "a"]) == checksum(["a", "b"])
    assert len({checksum(["a", "b"]), checksum(["a", "a", "b"]), checksum(["ab"])}) == 3
