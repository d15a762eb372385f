"""Growth told from noise, warm-up and caches, on series whose truth is known."""

import numpy as np
import pytest

from harness.checks.memory import growing, theil_sen

ITEMS = np.arange(0.0, 4000, 2)


def noise(seed: int, kib: float = 64) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, kib * 1024, len(ITEMS))


@pytest.mark.parametrize("seed", range(20))
def test_noise_alone_is_no_growth(seed: int) -> None:
    assert growing(ITEMS, 50e6 + noise(seed)) is None


@pytest.mark.parametrize("seed", range(10))
def test_a_cache_that_fills_is_no_growth(seed: int) -> None:
    assert growing(ITEMS, 50e6 + np.minimum(ITEMS, 500) * 4096 + noise(seed)) is None


@pytest.mark.parametrize("seed", range(10))
def test_a_warm_up_is_no_growth(seed: int) -> None:
    assert growing(ITEMS, 50e6 + 10e6 * (1 - np.exp(-ITEMS / 150)) + noise(seed)) is None


def test_growth_that_slows_down_is_not_called_a_leak() -> None:
    assert growing(ITEMS, 50e6 + 30e6 * (1 - np.exp(-ITEMS / 1000))) is None


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("leak", [1024, 4096, 28672])
def test_a_leak_is_found_and_its_size_is_right(seed: int, leak: int) -> None:
    growth = growing(ITEMS, 50e6 + leak * ITEMS + noise(seed))
    assert growth is not None
    assert growth.slope == pytest.approx(leak, rel=0.08)
    assert growth.low < growth.slope < growth.high


def test_too_few_items_say_nothing() -> None:
    assert growing(ITEMS[:60], 50e6 + 28672 * ITEMS[:60]) is None


def test_theil_sen_is_not_moved_by_an_outlier() -> None:
    x = np.arange(20.0)
    y = 3 * x
    y[7] = 1e6
    assert theil_sen(x, y)[0] == pytest.approx(3)
