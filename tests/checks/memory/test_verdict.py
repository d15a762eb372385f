"""Every word of the verdict, on series whose truth is known."""

import numpy as np
import pytest

from harness.checks.memory.estimators import increments, theil_sen
from harness.checks.memory.verdict import Stretch, read

ITEMS = np.arange(0.0, 4001, 50)
SEEDS = range(10)


def noise(seed: int, kib: float = 64, n: int = len(ITEMS)) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, kib * 1024, n)


def held(growth: np.ndarray, live: np.ndarray | None = None, items: np.ndarray = ITEMS) -> Stretch:
    return Stretch(items=items, held=50e6 + growth, live=None if live is None else 30e6 + live)


@pytest.mark.parametrize("seed", SEEDS)
def test_noise_alone_is_flat_and_the_word_says_what_could_hide(seed: int) -> None:
    reading = read(held(noise(seed)))
    assert reading.word == "flat"
    assert 128 <= reading.hidden < 300  # 256 KiB over the 2,000 items of the last half are 131 B an item


@pytest.mark.parametrize("seed", SEEDS)
def test_a_leak_as_large_as_what_could_hide_is_not_called_flat(seed: int) -> None:
    hidden = read(held(noise(seed))).hidden
    assert read(held(noise(seed) + 1.5 * hidden * ITEMS)).word in ("leak", "unsure")


@pytest.mark.parametrize("seed", SEEDS)
def test_a_cache_that_fills_is_saturating(seed: int) -> None:
    assert read(held(np.minimum(ITEMS, 500) * 4096 + noise(seed))).word == "saturating"


@pytest.mark.parametrize("seed", SEEDS)
def test_a_warm_up_is_saturating(seed: int) -> None:
    assert read(held(10e6 * (1 - np.exp(-ITEMS / 150)) + noise(seed))).word == "saturating"


def test_a_forecast_leaves_out_what_a_cache_that_filled_made_steeper() -> None:
    items = np.arange(0.0, 701, 10)
    reading = read(held(20e3 * items + 20e3 * np.minimum(items, 520), items=items))
    assert reading.word == "growing"
    assert reading.ahead == pytest.approx(20e3, rel=0.02)
    assert reading.low <= 20e3 <= reading.high


JUMP = np.where(ITEMS < 3000, 24e3 * np.minimum(ITEMS, 2700), 24e3 * 2700 + 8e6)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_leak_after_a_heap_that_grew_in_a_jump_is_found_by_the_last_quarter(seed: int) -> None:
    reading = read(held(JUMP + 8200 * np.maximum(0, ITEMS - 3000) + noise(seed)))
    assert reading.word == "leak"
    assert reading.slope == pytest.approx(8200, rel=0.05)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_heap_that_grew_in_a_jump_and_stays_there_is_saturating(seed: int) -> None:
    assert read(held(JUMP + noise(seed))).word == "saturating"


@pytest.mark.parametrize("size", [30e6, 100e6, 300e6])
@pytest.mark.parametrize("constant", [600, 1000, 1400])
def test_a_long_warm_up_is_saturating_however_large(size: float, constant: float) -> None:
    assert read(held(size * (1 - np.exp(-ITEMS / constant)))).word == "saturating"


def test_growth_that_slows_down_is_saturating() -> None:
    assert read(held(30e6 * (1 - np.exp(-ITEMS / 1000)))).word == "saturating"


@pytest.mark.parametrize(
    "growth", [np.minimum(np.arange(0.0, 401, 10), 500) * 4096, np.arange(0.0, 401, 10) * 20480]
)
def test_at_400_items_a_filling_cache_and_a_leak_look_alike_and_both_are_growing(growth: np.ndarray) -> None:
    assert read(held(growth, items=np.arange(0.0, 401, 10))).word == "growing"


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("leak", [1024, 4096, 28672])
def test_a_leak_is_found_and_its_size_is_right(seed: int, leak: int) -> None:
    reading = read(held(leak * ITEMS + noise(seed)))
    assert reading.word == "leak"
    assert reading.slope == pytest.approx(leak, rel=0.08)
    assert reading.low < leak < reading.high


def test_walks_without_a_direction_are_seldom_called_leaks() -> None:
    walks = [np.cumsum(np.random.default_rng(seed).normal(0, 100 * 1024, len(ITEMS))) for seed in range(200)]
    words = [read(held(walk)).word for walk in walks]
    assert words.count("leak") <= 0.05 * len(walks)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_process_that_grows_around_a_heap_that_does_not_is_the_allocator(seed: int) -> None:
    reading = read(held(2048 * ITEMS + noise(seed), live=noise(seed + 100, kib=8)))
    assert reading.word == "allocator growth"
    assert reading.source == "resident"


@pytest.mark.parametrize("seed", SEEDS)
def test_the_live_heap_shows_a_leak_that_the_process_hides(seed: int) -> None:
    reading = read(held(noise(seed, kib=1024), live=256 * ITEMS + noise(seed + 100, kib=8)))
    assert reading.word == "leak"
    assert reading.source == "live heap"
    assert reading.slope == pytest.approx(256, rel=0.03)


def test_readings_that_scatter_widely_are_unsure_and_not_flat() -> None:
    assert read(held(noise(1, kib=8192))).word == "unsure"


@pytest.mark.parametrize("seed", SEEDS)
def test_a_leak_under_garbage_that_piles_up_and_goes_shows_in_the_peaks(seed: int) -> None:
    lengths = np.random.default_rng(seed).integers(500, 600, 10).cumsum()
    garbage = np.array([item - max([0, *lengths[lengths <= item]]) for item in ITEMS]) * 20_000
    assert read(held(garbage + noise(seed))).word not in ("leak", "growing")
    reused = np.maximum.accumulate(
        garbage + 4096 * ITEMS
    )  # what a leak pins is not given back, but used again
    assert read(held(reused + noise(seed))).word == "leak"


@pytest.mark.parametrize("kib", [100, 200, 800])
@pytest.mark.parametrize("constant", [600, 800, 1000])
def test_a_cache_that_fills_slowly_is_no_leak_however_the_readings_scatter(
    constant: float, kib: float
) -> None:
    fills = 16 * 2**20 * (1 - np.exp(-ITEMS / constant))
    assert sum(read(held(fills + noise(seed, kib))).word == "leak" for seed in range(20)) == 0


def in_stairs(seed: int, leak: float, garbage: float) -> np.ndarray:
    """Garbage of so many bytes an item waits for a collection here and there, and free memory is not given back."""
    collections = np.cumsum(np.random.default_rng(seed).uniform(540, 600, 10))
    last = np.array([max([0, *collections[collections <= at]]) for at in ITEMS])
    return np.maximum.accumulate(leak * ITEMS + garbage * (ITEMS - last))


def test_a_leak_that_shows_as_uneven_stairs_is_found() -> None:
    found = [read(held(in_stairs(seed, 2048, 20e3))) for seed in range(20)]
    assert sum(each.word == "leak" for each in found) >= 19
    assert np.median([each.slope for each in found if each.grows]) == pytest.approx(2048, rel=0.15)


@pytest.mark.parametrize("garbage", [20e3, 200e3])
def test_uneven_stairs_without_a_leak_are_none(garbage: float) -> None:
    assert sum(read(held(in_stairs(seed, 0, garbage))).word == "leak" for seed in range(40)) == 0


@pytest.mark.parametrize("few", [0, 1, 10])
def test_too_few_readings_are_unsure(few: int) -> None:
    assert read(Stretch(items=ITEMS[:few], held=28672 * ITEMS[:few])).word == "unsure"


def test_too_few_items_are_unsure() -> None:
    items = np.linspace(0, 100, 60)
    assert read(held(28672 * items, items=items)).word == "unsure"


def test_theil_sen_is_not_moved_by_an_outlier() -> None:
    x = np.arange(20.0)
    y = 3 * x
    y[7] = 1e6
    assert theil_sen(x, y).value == pytest.approx(3)


def test_the_interval_of_increments_covers_the_drift_of_a_random_walk() -> None:
    covered = 0
    x = np.arange(40.0)
    for seed in range(300):
        steps = increments(x, np.cumsum(np.random.default_rng(seed).normal(1, 3, len(x))))
        covered += abs(steps.mean - 1) <= steps.spread
    assert covered >= 0.92 * 300
