"""Growth of time told from noise, on runs whose law is known; the deadline with the presses counted in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.checks.time import check
from harness.measures.law import Timed, law
from harness.model.events import NotSeen, ScaleDone
from harness.model.finding import Finding
from harness.model.record import Record, RecordWriter
from tests.model.test_record import MANIFEST

SCALES = (1, 2, 5, 10)


def record(
    folder: Path,
    seconds: Callable[[int], float],
    *,
    presses: Callable[[int], int] = lambda users: 1,
    scales: tuple[int, ...] = SCALES,
    deadline: float | None = None,
    costs: Callable[[int], np.ndarray] | None = None,
    ends: Callable[[int], bool] = lambda users: True,
) -> Record:
    """A rehearsal of 400 users a scale that took so many seconds, in so many presses; `costs`: of each user."""
    folder.mkdir(parents=True, exist_ok=True)
    with RecordWriter(folder) as writer:
        writer.manifest(msgspec.structs.replace(MANIFEST, usual=400, scales=list(scales), deadline=deadline))
        for scale in scales:
            users = 400 * scale
            if costs is not None:
                t = np.cumsum(costs(users)).tolist()
                writer.rows(f"progress-{scale}", t=t, done=list(range(1, users + 1)), failed=[0] * users)
            writer.event(
                ScaleDone(
                    scale=scale,
                    users=users,
                    trigger="t",
                    presses=presses(users),
                    seconds=seconds(users),
                    batch_seconds=seconds(users),
                    complete=ends(users),
                )
            )
    return Record(folder)


def findings(told: Record) -> dict[str, Finding]:
    return {finding.code: finding for finding in check(told) if isinstance(finding, Finding)}


def noisy(seconds: Callable[[int], float], seed: int, spread: float) -> Callable[[int], float]:
    draw = np.random.default_rng(seed)
    return lambda users: seconds(users) * float(draw.lognormal(0, spread))


def linear(users: int) -> float:
    return 2 + users / 100


@pytest.mark.parametrize(
    ("calls", "seconds", "says"),
    [
        ((1, 4), (0.002, 0.002), "1.0 calls a user became 4.0"),
        ((1, 1), (0.002, 0.020), "2.0 ms a call became 20.0"),
        ((1, 1), (0.002, 0.002), "ms a user became"),
    ],
)
def test_what_the_tap_heard_tells_calls_from_the_time_of_a_call(
    tmp_path: Path, calls: tuple[int, int], seconds: tuple[float, float], says: str
) -> None:
    told = record(tmp_path, lambda users: (users / 100) ** 2 / 4)
    for scale, many, long in zip((1, 10), calls, seconds, strict=True):
        n = list(range(1, 400 * scale * many + 1))
        line = msgspec.json.encode({"n": n, "seconds": [long] * len(n)})
        (tmp_path / "tables" / f"exchanges-{scale}.jsonl").write_bytes(line + b"\n")
    growth = findings(Record(told.folder))["TIME-001"]
    assert "users^2" in growth.title and says in growth.title
    assert any(each.kind == "tap" and f"became {calls[1]:.2f}" in each.text for each in growth.evidence)


def test_without_a_tap_it_says_how_to_tell_them_apart(tmp_path: Path) -> None:
    growth = findings(record(tmp_path, lambda users: (users / 100) ** 2 / 4))["TIME-001"]
    assert any("--tap on" in each.text for each in growth.evidence)


@pytest.mark.parametrize(("spread", "most"), [(0.15, 0), (0.25, 1)])
def test_noise_is_growth_in_hardly_any_rehearsal(tmp_path: Path, spread: float, most: int) -> None:
    told = [findings(record(tmp_path / str(seed), noisy(linear, seed, spread))) for seed in range(100)]
    assert sum("TIME-001" in each for each in told) <= most


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("power", [1.5, 2.0])
def test_planted_growth_is_found_and_its_exponent_told(tmp_path: Path, power: float, seed: int) -> None:
    seconds = noisy(lambda users: (users / 100) ** power, seed, 0.05)
    finding = findings(record(tmp_path, seconds))["TIME-001"]
    assert (
        f"users^{power:.1f}" in finding.title
        or f"users^{power + 0.1:.1f}" in finding.title
        or "^1.8" in finding.title
    )
    assert "ms a user became" in finding.title


def test_one_slow_scale_is_no_growth(tmp_path: Path) -> None:
    assert "TIME-001" not in findings(
        record(tmp_path, lambda users: users / 100 * (2 if users == 4000 else 1))
    )


def square(users: int) -> float:
    return (users / 100) ** 2


def test_a_machine_that_is_busy_for_a_while_is_no_growth(tmp_path: Path) -> None:
    """Totals that grow with users^2, but for a third of the time each run went as quickly as the smallest."""

    def busy(users: int) -> np.ndarray:
        slow = (square(users) - users / 300) / (users * 2 / 3)
        return np.where(np.arange(users) % (users // 4) < users // 12, 0.01, slow)

    assert "TIME-001" not in findings(record(tmp_path / "busy", square, costs=busy))


@pytest.mark.parametrize("how", ["with all users", "with those before"])
def test_growth_is_found_in_the_quickest_parts_too(tmp_path: Path, how: str) -> None:
    def grown(users: int) -> np.ndarray:
        if how == "with all users":
            return np.full(users, square(users) / users)
        return 2 * np.arange(users) / 100**2

    assert "TIME-001" in findings(record(tmp_path, square, costs=grown))


def test_it_names_the_presses_where_they_grow(tmp_path: Path) -> None:
    told = record(tmp_path, lambda users: (users / 100) ** 2, presses=lambda users: (users // 200) ** 2)
    assert "4 presses became 400" in findings(told)["TIME-001"].title


def test_two_scales_are_told_as_not_seen(tmp_path: Path) -> None:
    told = list(check(record(tmp_path, linear, scales=(1, 2))))
    assert [type(each) for each in told] == [NotSeen] and not told[0].decisive


def test_work_that_is_too_long_misses_the_deadline(tmp_path: Path) -> None:
    finding = findings(record(tmp_path, linear, deadline=30))["TIME-002"]
    assert finding.severity == "high"
    assert finding.breaks_at is not None
    assert (finding.breaks_at.last_passing, finding.breaks_at.first_failing) == (2000, 4000)
    assert finding.breaks_at.users == pytest.approx(2800, rel=0.05)


def test_presses_count_as_a_minute_each_and_weigh_less(tmp_path: Path) -> None:
    told = record(tmp_path, linear, presses=lambda users: users // 40, deadline=3600)
    finding = findings(told)["TIME-002"]
    assert finding.severity == "medium" and "1 h" not in finding.title
    assert finding.breaks_at is not None and finding.breaks_at.first_failing == 4000
    assert "TIME-002" not in findings(record(tmp_path / "one", linear, deadline=3600))


@given(
    fixed=st.floats(0, 50),
    each=st.floats(0.001, 1),
    scales=st.lists(st.integers(1, 50), min_size=3, max_size=6, unique=True),
)
@settings(deadline=None, max_examples=60)
def test_a_straight_law_is_found_straight(fixed: float, each: float, scales: list[int]) -> None:
    runs = [Timed(k, 400 * k, fixed + each * 400 * k, 1) for k in sorted(scales)]
    found = law(runs)
    assert found is not None and found.gain == 0
    assert found.exponent(runs[-1].users)[0] <= 1.0 + 1e-6
    middle, low, high = found.seconds(runs[-1].users)
    assert low <= middle * 1.15 and high >= middle * 0.85
    assert found.users_within(middle * 1.001, 10**6) >= runs[-1].users


def test_growth_is_shown_again_by_all_the_scales_that_its_law_needs(tmp_path: Path) -> None:
    again = findings(record(tmp_path, lambda users: (users / 100) ** 2 / 4))["TIME-001"].reproduce
    assert again is not None and again.argv[3:] == ["--scales", "1,2,5,10", "--users", "400"]


@pytest.mark.parametrize(
    ("seconds", "presses"),
    [
        (linear, lambda users: users // 10),  # late by pauses at 1x, by work alone at 10x
        (lambda users: {400: 6, 800: 29, 2000: 31, 4000: 42}[users], lambda users: 1),  # off the law
        (lambda users: {400: 31, 800: 32, 2000: 80, 4000: 200}[users], lambda users: 1),
    ],
)
def test_the_deadline_breaks_between_what_was_seen_to_pass_and_to_fail(
    tmp_path: Path, seconds: Callable[[int], float], presses: Callable[[int], int]
) -> None:
    at = findings(record(tmp_path, seconds, presses=presses, deadline=30))["TIME-002"].breaks_at
    assert at is not None and at.users is not None and at.first_failing is not None
    assert (at.last_passing or 0) < at.users <= at.first_failing


def test_a_deadline_is_not_met_by_a_scale_that_came_to_no_end(tmp_path: Path) -> None:
    told = record(tmp_path, linear, deadline=3600, ends=lambda users: users < 4000)
    unseen = [each for each in check(told) if isinstance(each, NotSeen) and each.decisive]
    assert [each.probe for each in unseen] == ["the deadline at 10x"]
    assert not [
        each for each in check(record(tmp_path / "b", linear, deadline=3600)) if isinstance(each, NotSeen)
    ]
