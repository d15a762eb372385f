"""The edge finder."""

from math import ceil, log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.exchange import Exchange, Sizes
from harness.probes.edges import EdgeMoved, Try, find_edge


def server(limit: int, asked: list[int] | None = None):
    def ask(count: int) -> Try:
        if asked is not None:
            asked.append(count)
        sizes = Sizes(line=count, target=count, head=count, body=0, fields=0)
        return Try(count <= limit, Exchange(service="s", method="GET", path="/", sizes=sizes, status=200))

    return ask


@given(st.integers(0, 5000), st.integers(1, 5000), st.integers(1, 5000))
def test_every_edge_is_found_exactly_with_no_question_asked_twice(limit: int, above: int, below: int) -> None:
    passed, failed = max(0, limit - below), limit + above
    asked: list[int] = []
    edge = find_edge(server(limit, asked), passed, failed)
    assert (edge.last_passing, edge.first_failing) == (limit, limit + 1)
    assert len(asked) == len(set(asked)) == edge.requests <= ceil(log2(failed - passed)) + 2


def test_the_exchanges_at_the_edge_are_kept() -> None:
    edge = find_edge(server(406), 400, 800)
    assert edge.passing is not None
    assert (edge.passing.sizes.line, edge.failing.sizes.line) == (406, 407)


def test_where_not_even_one_user_gets_through_the_edge_is_zero() -> None:
    edge = find_edge(server(0), 0, 400)
    assert (edge.last_passing, edge.first_failing, edge.passing) == (0, 1, None)


def test_a_number_that_was_refused_and_now_passes_is_no_matter_of_size() -> None:
    with pytest.raises(EdgeMoved):
        find_edge(server(1000), 400, 800)


def test_a_number_that_passed_and_is_now_refused_is_looked_into_below() -> None:
    assert find_edge(server(100), 400, 800).last_passing == 100
