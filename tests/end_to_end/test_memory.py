"""A small part of `make bench-memory`: real services under the product's own sampler and checks."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.bench.memory import kills, lines
from tests.bench.memory.bench_service import MEMORY, running
from tests.bench.memory.rehearsed import Yardstick, rehearsed, said

LEAK = {"MEMORY_LEAK_BYTES": "20480"}
needs_group = pytest.mark.skipif(
    os.geteuid() != 0 or not (MEMORY / "cgroup.procs").exists(), reason="needs root and cgroup v1"
)


def test_a_cache_that_fills_is_no_leak(tmp_path: Path) -> None:
    with running({"MEMORY_MODE": "lru"}) as bench:
        word, findings, unseen = said(rehearsed(tmp_path / "r", Yardstick(bench), 2000))
    assert word.startswith("saturating")
    assert (findings, unseen) == ([], [])


def test_a_leak_of_4_kib_is_found_and_its_size_is_right(tmp_path: Path) -> None:
    with running({"MEMORY_MODE": "burst", "MEMORY_LEAK_BYTES": "4096"}) as bench:
        word, findings, _ = said(rehearsed(tmp_path / "r", Yardstick(bench), 2000))
    assert [finding.code for finding in findings] == ["MEM-001"]
    assert int(word.split()[1].replace(",", "")) == pytest.approx(4105, rel=0.1)


def test_a_process_at_its_own_ceiling_is_capped_and_not_healthy(tmp_path: Path) -> None:
    with running({**LEAK, "MEMORY_RLIMIT_DATA": str(90 << 20)}) as bench:
        word, findings, _ = said(rehearsed(tmp_path / "r", Yardstick(bench), 4000))
    assert word.startswith("capped")
    assert [(finding.code, finding.config_key) for finding in findings] == [("MEM-002", "RLIMIT_DATA")]


@needs_group
def test_workers_that_are_killed_one_after_another_are_capped(tmp_path: Path) -> None:
    command = [*lines.GUNICORN, "-k", "gthread", "--threads", "4", "forked:app"]
    with running(LEAK, limit=96 << 20, command=command) as bench:
        record = rehearsed(tmp_path / "r", Yardstick(bench), 4000, limit=96 << 20)
    word, findings, _ = said(record)
    assert word.startswith("capped")
    assert "MEM-003" in [finding.code for finding in findings]


def test_memory_that_cannot_be_read_is_not_checked(tmp_path: Path) -> None:
    with running(LEAK) as bench:
        word, findings, unseen = said(rehearsed(tmp_path / "r", Yardstick(bench, blind_after=0), 400))
    assert (word, findings) == ("not checked", [])
    assert any(each.decisive for each in unseen)


@needs_group
def test_a_real_kill_comes_where_it_was_foretold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kills, "STORE", tmp_path)
    kill = kills.Kill("quiet", 20480, 96 << 20, 0, 1)
    run = kills.collect(kill)
    assert run["oom_kills"] == 1
    _, ahead = kills.foretold(run, 0.5)
    assert ahead is not None and ahead.item == pytest.approx(run["killed_at"], rel=0.05)


def test_the_planted_line_comes_first_though_the_service_is_killed() -> None:
    pytest.importorskip("memray")
    with running(lines.environment("quiet", 1024, 1), agent=True) as bench:
        bench.feed(lines.WARM_UP)
        marks = lines.track(bench, lines.ITEMS)
        bench.process.kill()
        bench.process.wait()
        first = lines.first_site(bench, marks)[0]
    assert first.place.endswith(f"habits.py:{lines.planted_line()}")
    assert first.count == pytest.approx(1, abs=0.25)  # drawn out from the slices of the window


def test_memory_that_stops_being_readable_is_not_checked_to_its_end(tmp_path: Path) -> None:
    with running({}) as bench:
        word, _, unseen = said(rehearsed(tmp_path / "r", Yardstick(bench, blind_after=40), 4000))
    assert not word.startswith("flat")
    assert any(each.decisive for each in unseen)
