"""Planted regressions are found and unchanged pairs are not; what cannot be compared is refused."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import CannotTell
from harness.judgement import judge
from harness.measures import baseline
from harness.measures.compare import Comparison, compare, ranked
from harness.measures.series import Work, at_its_best, own_work
from harness.measures.side import Measure, Setting, Side, joined, side
from harness.model.events import Ended, ScaleDone, WallSeen
from harness.model.record import Record, RecordWriter, ServiceFacts
from tests.conftest import Rehearse
from tests.model.test_record import MANIFEST
from tests.report.staged import wall

MIB = 2**20
REPEATS = 5
NOISE = 0.05


def rehearsal(
    folder: Path,
    seed: int,
    *,
    slower: float = 1,
    fatter: float = 1,
    nearer: float = 1,
    seed_of_users: int = 1,
    read: bool = False,
) -> Record:
    """One repeat of 1,000 users at 1x, 2x and 5x, with noise in time and memory; `read`: each user once as well."""
    draw = np.random.default_rng(seed)
    facts = ServiceFacts(name="payouts", memory_limit=512 * MIB, image="i", entry="payouts")
    with RecordWriter(folder) as record:
        record.manifest(
            msgspec.structs.replace(
                MANIFEST, run=folder.name, seed=seed_of_users, usual=1000, scales=[1, 2, 5], services=[facts]
            )
        )
        names = [str(n) for n in range(5000)]
        record.rows("intended", item=names)
        for scale in (1, 2, 5):
            users = 1000 * scale
            if read:
                record.rows(f"items-{scale}", item=names[:users], said=["ok"] * users, detail=[""] * users)
                record.rows(f"effects-{scale}", item=names[:users], step=[""] * users, press=[1] * users)
            seconds = users / 100 * slower * float(draw.lognormal(0, NOISE))
            t = np.linspace(0, seconds, 100)
            done = np.linspace(0, users, 100)
            kept = 20_000 * fatter * float(draw.lognormal(0, NOISE / 2))
            held = 50e6 + kept * done + draw.normal(0, 64 * 1024, 100)
            record.rows(f"progress-{scale}", t=t.tolist(), done=done.astype(int).tolist(), failed=[0] * 100)
            record.rows(
                f"memory-{scale}", t=t.tolist(), service=["payouts"] * 100, bytes=held.astype(int).tolist()
            )
            record.event(
                ScaleDone(
                    scale=scale,
                    users=users,
                    trigger="t",
                    presses=1,
                    seconds=seconds,
                    batch_seconds=seconds,
                    complete=True,
                )
            )
        record.event(WallSeen(wall=wall("payouts", "t", int(406 * nearer))))
        record.event(Ended(status="completed", why="", seconds=1, harness_cpu=0))
    return Record(folder)


def repeats(folder: Path, first: int, count: int = REPEATS, **planted: float) -> Side:
    records = [rehearsal(folder / f"{first}-{k}", first + k, **planted) for k in range(count)]
    return joined([side(record, judge(record)) for record in records])


def worse(found: Comparison) -> set[str]:
    return {change.kind for change in found.changes if change.word == "worse"}


def test_a_planted_regression_is_found_in_twenty_of_twenty(tmp_path: Path) -> None:
    for pair in range(20):
        before = repeats(tmp_path / f"a{pair}", 1000 * pair)
        after = repeats(tmp_path / f"b{pair}", 1000 * pair + 500, slower=1.25, fatter=1.3, nearer=0.8)
        found = compare(before, after)
        assert found.regressed
        assert worse(found) == {"time", "memory", "wall"}, pair


def test_an_unchanged_pair_is_no_regression_in_nineteen_of_twenty(tmp_path: Path) -> None:
    pairs = [
        compare(repeats(tmp_path / f"a{k}", 1000 * k), repeats(tmp_path / f"b{k}", 1000 * k + 500))
        for k in range(20)
    ]
    assert sum(found.regressed for found in pairs) <= 1


def test_what_gets_better_is_called_so_and_a_lost_measure_is_never_a_pass(tmp_path: Path) -> None:
    before = repeats(tmp_path / "a", 0)
    found = compare(before, repeats(tmp_path / "b", 500, slower=0.6, nearer=2))
    assert not found.regressed and not found.blind
    assert {change.kind for change in found.changes if change.word == "better"} == {"time", "wall"}
    less = msgspec.structs.replace(
        before, measures={k: m for k, m in before.measures.items() if "5x" not in k}
    )
    assert compare(before, less).blind


def test_single_runs_give_an_observation_with_a_wider_tolerance(tmp_path: Path) -> None:
    found = compare(repeats(tmp_path / "a", 0, 1), repeats(tmp_path / "b", 9, 1, slower=1.6))
    change = next(change for change in found.changes if change.word == "worse")
    assert (change.kind, change.p, change.tolerance) == ("time", None, 0.3)


def busy(seed: int, slower: float, disturbed: bool) -> Work:
    """1,000 users at 5 ms each, read 20 times a second; `disturbed`: twice as slow over the middle of them."""
    each = np.full(1000, 0.005 * slower) * np.random.default_rng(seed).lognormal(0, 0.1, 1000)
    each[200:700] *= 2 if disturbed else 1
    ends = np.cumsum(each)
    t = np.arange(0, ends[-1] + 0.05, 0.05)
    return Work(0.0, t, np.searchsorted(ends, t).astype(float))


def test_what_slows_a_part_of_some_repeats_hides_no_batch_that_is_slower_at_its_best() -> None:
    hit = [(k % 5 in (1, 3), 1.0) for k in range(5)] + [(k % 5 == 2, 1.25) for k in range(5)]
    works = [busy(k, slower, disturbed) for k, (disturbed, slower) in enumerate(hit)]
    best = [at_its_best(work) for work in works]
    whole = [float(work.t[-1]) / 1000 for work in works]
    assert None not in best
    assert ranked(whole[:5], whole[5:], up=True) > 0.05, "over the whole it is hidden"
    assert ranked(best[:5], best[5:], up=True) <= 0.05
    assert best[:5] == pytest.approx([0.005] * 5, rel=0.05)


def test_the_time_for_which_a_batch_was_held_still_is_not_its_own(tmp_path: Path) -> None:
    with RecordWriter(tmp_path / "run") as record:
        record.manifest(MANIFEST)
        record.rows("progress-1", t=[1.0, 2.0, 5.0, 6.0], done=[0, 10, 20, 30], failed=[0] * 4)
        record.rows("holds-1", users=[10], seconds=[2.0])
    worked = own_work(Record(tmp_path / "run"), 1)
    assert worked is not None and worked.t.tolist() == [0.0, 1.0, 2.0, 3.0]
    assert own_work(Record(tmp_path / "run"), 2) is None


def test_a_batch_that_was_read_in_few_steps_has_no_best_and_is_compared_by_the_whole(tmp_path: Path) -> None:
    t = np.arange(0, 10, 0.05)
    assert at_its_best(Work(0.0, t, np.floor(t) * 100)) is None
    before, after = repeats(tmp_path / "a", 0), repeats(tmp_path / "b", 500, slower=1.25)
    old = {name: one for name, one in before.measures.items() if not one.extra}
    found = compare(msgspec.structs.replace(before, measures=old), after)
    assert {change.name for change in found.changes} == set(old) and worse(found) == {"time"}
    assert not compare(after, msgspec.structs.replace(before, measures=old)).blind


def test_other_users_another_machine_or_version_are_refused(tmp_path: Path) -> None:
    one = repeats(tmp_path / "a", 0, 1)
    for field, value in (
        ("users", {"seed": 2}),
        ("machine", {"cpus": 64}),
        ("versions", {"rehearse": "0.0"}),
    ):
        other = msgspec.structs.replace(one, setting=msgspec.structs.replace(one.setting, **{field: value}))
        with pytest.raises(CannotTell, match=field):
            compare(one, other)


def test_the_exact_ranking_is_that_of_mann_and_whitney() -> None:
    assert ranked([1, 2, 3], [4, 5, 6], up=True) == pytest.approx(1 / 20)
    assert ranked([1, 2, 3], [4, 5, 6], up=False) == 1
    assert ranked([1, 1, 1], [1, 1, 1], up=True) == 1


SIDE = Side(
    setting=Setting(scenario="s", users={}, scales=[1], machine={}, versions={}),
    runs=["r"],
    measures={"x": Measure("time", [1.0])},
    heavy={},
)


@given(st.integers(0, 10_000), st.sampled_from(["cut", "flip", "twice"]))
@settings(max_examples=80, deadline=None)
def test_a_damaged_baseline_is_never_read(at: int, how: str) -> None:
    content = baseline.encode(SIDE)
    at %= len(content) - 2
    damaged = {
        "cut": content[:at],
        "flip": content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :],
        "twice": content + content,
    }[how]
    try:
        assert baseline.decode(damaged, "b") == SIDE
    except CannotTell as problem:
        assert problem.exit_code == 3


def test_the_commands_keep_compare_and_refuse(tmp_path: Path, rehearse: Rehearse) -> None:
    for name, seed, planted in (("a", 0, 1.0), ("b", 5, 1.0), ("c", 9, 2.0)):
        rehearsal(tmp_path / name, seed, slower=planted)
    rehearsal(tmp_path / "other", 3, seed_of_users=7)
    kept = tmp_path / "kept.json"

    def codes(*calls: Sequence[str | Path]) -> list[int]:
        return [rehearse(*call).returncode for call in calls]

    accept = ("baseline", "accept", tmp_path / "a", "--out", kept)
    assert codes(accept, accept, (*accept, "--replace")) == [0, 2, 0]
    assert codes(*(("compare", kept, tmp_path / name) for name in ("a", "b", "c", "other"))) == [0, 0, 1, 3]
    told = json.loads(rehearse("compare", kept, tmp_path / "c", "--json").stdout)
    assert told["changes"][0]["word"] == "worse"
    kept.write_text(kept.read_text()[:-20])
    damaged = rehearse("compare", kept, tmp_path / "a")
    assert damaged.returncode == 3 and "accept a run anew with --replace" in " ".join(damaged.stderr.split())
