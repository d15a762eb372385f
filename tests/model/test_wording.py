"""Every title that counts reads well when it counts one."""

from __future__ import annotations

import re

import pytest

from harness.checks import again_kinds, kinds, witnesses
from harness.model.wording import agree

TITLES = sorted(
    {
        text
        for module in (again_kinds, kinds, witnesses)
        for value in vars(module).values()
        for kind in (value.values() if isinstance(value, dict) else [value])
        for text in [getattr(kind, "title", "")]
        if isinstance(text, str) and "{n" in text
    }
)


@pytest.mark.parametrize("title", TITLES)
def test_a_title_that_counts_one_agrees_with_it(title: str) -> None:
    told = agree(title.format(n=1, all=4000, share=1 / 4000, service="payouts", when="after it is back"))
    assert not re.search(r"\b1 (users|effects|times)\b|1 of 4,000 users (are|were|stay|get|fail)\b", told), (
        told
    )


def test_larger_counts_stay_as_they_are() -> None:
    assert len(TITLES) > 20
    for text in ("21 of 4,000 users are done", "1,001 users fail", "0.1 times", "11 effects vanish"):
        assert agree(text) == text
    assert agree("1 of 4,000 users are called failed") == "1 of 4,000 users is called failed"


@pytest.mark.parametrize(
    ("told", "well"),
    [
        ("The batch hangs: 1 of 4,000 users wait behind", "The batch hangs: 1 of 4,000 users waits behind"),
        ("1 of 50 requests fail with 4 at once", "1 of 50 requests fails with 4 at once"),
        ("payouts fails by itself from 1 requests at once", "payouts fails by itself from 1 request at once"),
        (
            "payouts fails by itself from 21 requests at once",
            "payouts fails by itself from 21 requests at once",
        ),
    ],
)
def test_titles_beyond_those_lists_agree_too(told: str, well: str) -> None:
    assert agree(told) == well
