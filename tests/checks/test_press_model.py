"""The press model against the formulas it rests on, and against simulated batches."""

from __future__ import annotations

import numpy as np
import pytest

from harness.checks.press_model import Seen, duplicates, more_users, presses


def stop_at_first(fails: list[bool]) -> tuple[Seen, int]:
    """A batch that ends at each failure and passes over it: what the first press saw, and the presses in all."""
    first = fails.index(True) if True in fails else len(fails) - 1
    seen = Seen(first + (not fails[first]), int(fails[first]), len(fails) - first - 1)
    return seen, sum(fails) + (not fails[-1])


def test_without_a_failure_one_press_is_enough():
    assert [str(forecast) for forecast in presses(Seen(400, 0, 0))] == ["1"]


def test_a_batch_that_passes_over_what_failed_needs_one_press():
    assert str(presses(Seen(388, 12, 0))[0]) == "1"


@pytest.mark.parametrize(("n", "q"), [(1000, 0.03), (5000, 0.03), (2000, 0.036)])
def test_stopping_at_each_failure_needs_1_plus_nq_presses(n, q):
    known = Seen(round(n * (1 - q)) - 1, round(n * q), 0)
    assert more_users(known, 1 + known.failed, 2 * n).median == pytest.approx(
        1 + 2 * n * q / (1 - q), rel=0.05
    )


def test_skipping_5000_users_at_3_percent_needs_about_3_presses():
    transient = presses(Seen(4850, 150, 0))[1]
    assert transient.low <= 3 <= transient.high and transient.median == 3


@pytest.mark.parametrize("n", [400, 2000])
def test_the_interval_from_the_first_press_covers_nine_of_ten_simulated_batches(n):
    chance = np.random.default_rng(7)
    covered = tried = 0
    for _ in range(150):
        fails = (chance.random(n) < chance.uniform(0.005, 0.1)).tolist()
        seen, real = stop_at_first(fails)
        if seen.failed and seen.left:
            tried += 1
            covered += presses(seen)[0].covers(real)
    assert covered / tried > 0.9


def test_the_interval_covers_presses_of_a_batch_that_skips_and_tries_again():
    chance = np.random.default_rng(8)
    covered = tried = 0
    for _ in range(150):
        q, n = chance.uniform(0.01, 0.3), 2000
        left = first = int(chance.binomial(n, q))
        real = 1
        while left:
            left = int(chance.binomial(left, q))
            real += 1
        if first:
            tried += 1
            covered += presses(Seen(n - first, first, 0))[1].covers(real)
    assert covered / tried > 0.9


def test_where_items_are_left_one_press_is_never_enough():
    assert presses(Seen(5000, 1, 3))[0].low == 2


def test_duplicates_are_those_that_landed_and_a_few_more():
    transient = duplicates(Seen(4850, 150, 0, landed=45))[1]
    assert transient.covers(round(5000 * 0.3 * 0.03 / 0.97)) and transient.low >= 45
    assert duplicates(Seen(4850, 150, 0))[0].high == 0


def test_a_forecast_is_the_same_each_time():
    assert presses(Seen(20, 1, 379)) == presses(Seen(20, 1, 379))
