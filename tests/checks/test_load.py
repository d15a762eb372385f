"""What load says of a downstream, of other users, and of its own generator."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from harness.checks import harm, load
from harness.judgement import judge
from harness.model.events import Ended, NotSeen
from harness.model.finding import Finding
from harness.model.load import Generator, LoadPlayed, Pace
from harness.model.record import Record, RecordWriter
from tests.checks.books import manifest


def generator(**seen: Any) -> Generator:
    told = {
        "worker": 1,
        "cpu": 0.2,
        "seconds": 9.0,
        "lag": (0.001, 0.02),
        "late": 0,
        "queued": 0,
        "memory": 80_000_000,
    }
    return Generator(**(told | seen))


def pace(at_once: int, ok: int, failed: int = 0, seconds: float = 1.0, **seen: Any) -> Pace:
    told = {"asked": ok + failed, "rate": 0.0, "unknown": 0, "latency": (0.01, 0.02)}
    return Pace(concurrency=at_once, ok=ok, failed=failed, seconds=seconds, **(told | seen))


def played(kind: str, *steps: Pace, **seen: Any) -> LoadPlayed:
    told = {"generators": [generator()], "arrival": "closed", "scale": 0, "key": "k"}
    what = "POST /pay for each user"
    return LoadPlayed(kind=kind, service="payouts", what=what, steps=list(steps), **(told | seen))  # type: ignore[arg-type]


def recorded(folder: Path, event: LoadPlayed, rows: dict[str, list[Any]] | None = None) -> Record:
    with RecordWriter(folder) as record:
        record.manifest(replace(manifest((1,), 10), triggers=[]))  # load alone: no scale is rehearsed
        if rows:
            record.rows(f"load-{event.key}", **rows)
        record.event(event)
        record.event(Ended(status="completed", why="", seconds=1, harness_cpu=0))
    return Record(folder)


def checked(
    folder: Path, event: LoadPlayed, rows: dict[str, list[Any]] | None = None
) -> tuple[list[Finding], list[str]]:
    record = recorded(folder / "run", event, rows)
    told = [*load.check(record), *harm.check(record)]
    findings = [one for one in told if isinstance(one, Finding)]
    return findings, [one.why for one in told if isinstance(one, NotSeen)]


@pytest.mark.parametrize(
    ("generators", "why"),
    [
        ([generator(cpu=0.81)], "generator starved: worker 1 used 81% of a CPU"),
        ([generator(), generator(worker=0, cpu=0.95)], "generator starved: the master used 95%"),
        (
            [generator(cpu=0.3, waited=0.6, lag=(0.05, 0.4))],
            "worker 1 used 30% of a CPU, waited for one 60% of the time",
        ),
        ([generator(late=3)], "3 of 100 requests went out late"),
        ([], "nothing is known of the generator"),
    ],
)
def test_what_a_generator_that_did_not_keep_up_saw_is_inconclusive(
    tmp_path: Path, generators: list[Generator], why: str
) -> None:
    event = played("items", pace(4, 100), generators=generators)
    verdict = judge(recorded(tmp_path / "run", event))
    assert verdict.verdict == "inconclusive"
    assert any(why in unseen.why for unseen in verdict.not_checked)


def test_a_generator_with_cpu_to_spare_or_a_play_too_short_to_tell_is_believed(tmp_path: Path) -> None:
    event = played("items", pace(4, 100), generators=[generator(cpu=0.79), generator(cpu=0.99, seconds=0.4)])
    assert judge(recorded(tmp_path / "run", event)).verdict == "ready"


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        ({"steps": [pace(4, 90, asked=100)]}, "10 of 100 requests were not sent"),
        ({"dark": 7}, "of 7 items nobody knows whether they were sent"),
        ({"ran_out": True}, "the users ran out"),
    ],
)
def test_what_was_asked_for_and_not_reached_is_told(tmp_path: Path, seen: dict[str, Any], why: str) -> None:
    event = replace(played("items", pace(4, 100)), **seen)
    assert any(why in one for one in checked(tmp_path, event)[1])


def test_a_downstream_that_fails_at_more_than_the_batchs_concurrency_is_a_wall_in_requests_at_once(
    tmp_path: Path,
) -> None:
    steps = [pace(4, 100), pace(8, 200, seconds=1.0), pace(12, 280, failed=20)]
    (found,) = (one for one in checked(tmp_path, played("downstream", *steps))[0] if one.code == "LOAD-001")
    assert found.severity == "medium" and found.breaks_at is not None
    assert (found.breaks_at.last_passing, found.breaks_at.first_failing, found.breaks_at.unit) == (
        8,
        12,
        "at once",
    )


def test_a_downstream_that_fails_at_the_batchs_own_concurrency_is_high(tmp_path: Path) -> None:
    (found,) = checked(tmp_path, played("downstream", pace(4, 90, failed=10), pace(8, 100, failed=100)))[0]
    assert (found.code, found.severity) == ("LOAD-001", "high")


def test_a_downstream_that_does_no_more_with_more_at_once_is_at_its_limit(tmp_path: Path) -> None:
    steps = [pace(4 * k, 100 * k, seconds=k / min(k, 3)) for k in range(1, 11)]
    (found,) = checked(tmp_path, played("downstream", *steps))[0]
    assert found.code == "LOAD-002" and "300 a second, from 12 at once on" in found.title


def test_a_downstream_that_keeps_growing_is_no_finding(tmp_path: Path) -> None:
    assert checked(tmp_path, played("downstream", *(pace(4 * k, 100 * k) for k in range(1, 11)))) == ([], [])


def others(meanwhile: float, failing: int = 0, seed: int = 1) -> tuple[LoadPlayed, dict[str, list[Any]]]:
    """30 s of other users at 10 a second; the batch is at work from second 10 to 20, and then they take `meanwhile`
    times as long, and each n-th of them fails."""
    chance = Random(seed)
    rows: dict[str, list[Any]] = {"due": [], "said": [], "late": [], "took": []}
    for number in range(300):
        at_work = 100 <= number < 200
        rows["due"].append(number / 10)
        rows["late"].append(0.0)
        rows["took"].append(chance.uniform(0.01, 0.02) * (meanwhile if at_work else 1))
        rows["said"].append("failed" if failing and at_work and number % failing == 0 else "ok")
    event = played(
        "background", pace(16, 300), scale=1, key="background-1", arrival="open", during=(10.0, 20.0)
    )
    return event, rows


def test_other_users_who_fail_while_the_batch_is_at_work_are_a_finding(tmp_path: Path) -> None:
    (found,) = checked(tmp_path, *others(1.0, failing=5))[0]
    assert (found.code, found.severity, found.counts) == ("LOAD-003", "high", {"1x": 20})


def test_other_users_who_wait_twice_as_long_are_one_too(tmp_path: Path) -> None:
    (found,) = checked(tmp_path, *others(3.0))[0]
    assert (found.code, found.severity) == ("LOAD-003", "medium") and "times as long" in found.title


@pytest.mark.parametrize("seed", range(20))
def test_other_users_who_fare_as_always_are_no_finding(tmp_path: Path, seed: int) -> None:
    assert checked(tmp_path, *others(1.3, failing=100, seed=seed)) == ([], [])


def test_too_few_of_them_to_tell_is_said(tmp_path: Path) -> None:
    event, rows = others(3.0)
    few = {name: values[80:115] for name, values in rows.items()}
    findings, unseen = checked(tmp_path, event, few)
    assert not findings and "15 requests of other users" in unseen[0]


def test_requests_of_the_caller_that_fail_are_a_finding(tmp_path: Path) -> None:
    (found,) = checked(tmp_path, played("items", pace(4, 90, failed=10), scale=1))[0]
    assert (found.code, found.counts) == ("LOAD-004", {"1x": 10})


def test_evidence_says_what_was_asked_for_and_of_no_answer_no_time(tmp_path: Path) -> None:
    silent = pace(16, 0, failed=50, latency=None, rate=20.0)
    (found,) = checked(tmp_path, played("items", silent, arrival="open"))[0]
    assert found.evidence[0].text == "20 a second asked for: 0.0 a second, 50 of 50 failed, none was answered"


def test_what_a_downstream_does_at_most_is_the_most_that_was_seen(tmp_path: Path) -> None:
    steps = [pace(4, 100), pace(8, 200), pace(12, 210), pace(16, 205)]
    (found,) = checked(tmp_path, played("downstream", *steps))[0]
    assert found.title == "payouts does no more than 210 a second, from 8 at once on"


def test_what_shows_at_several_scales_is_one_finding_with_the_counts_of_all(tmp_path: Path) -> None:
    with RecordWriter(tmp_path / "run") as record:
        record.manifest(manifest((1, 2, 5), 20))
        for scale, failed in ((1, 0), (2, 30), (5, 12)):
            record.event(played("items", pace(4, 70, failed=failed), scale=scale, key=str(scale)))
            event, rows = others(1.0, failing=2 if scale == 2 else 0)
            record.rows(f"load-behind-{scale}", **rows)
            record.event(replace(event, key=f"behind-{scale}", scale=scale))
    findings = [one for one in judge(Record(tmp_path / "run")).findings if one.code.startswith("LOAD-")]
    assert [(one.code, one.severity, one.counts) for one in findings] == [
        ("LOAD-003", "high", {"2x": 50}),
        ("LOAD-004", "high", {"2x": 30, "5x": 12}),
    ]
    assert findings[1].title == "12 of 82 requests fail with 4 at once"
