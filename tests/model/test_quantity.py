"""Numbers as people write them."""

from __future__ import annotations

import pytest

from harness.errors import UsageError
from harness.model.quantity import parse_multiples


@pytest.mark.parametrize("text", ["1,2,5,10", "1x, 2x,5x ,10", " 1,2,5,10x "])
def test_multiples_are_read_with_and_without_their_x(text: str) -> None:
    assert parse_multiples(text, what="--scales", ascending=True) == (1, 2, 5, 10)


@pytest.mark.parametrize(
    "text", ["", ",", "1,", "1,,2", "0", "1,x", "-1", "1.5", "²", "1 2", "2,1", "1,1", "9" * 5000]
)
def test_what_is_no_list_of_ascending_multiples_is_refused_with_what_was_seen(text: str) -> None:
    with pytest.raises(UsageError, match="--scales is"):
        parse_multiples(text, what="--scales", ascending=True)


def test_without_an_order_the_same_may_come_again() -> None:
    assert parse_multiples("5,1,5", what="--times") == (5, 1, 5)
