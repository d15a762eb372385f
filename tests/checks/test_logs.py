"""A flood of log is told with how much it is for each user; one that was dropped with how fast it went."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from harness.judgement import judge
from harness.model.events import LogSeen, ScaleDone
from harness.model.finding import Finding
from harness.model.record import Record, RecordWriter
from tests.model.test_record import MANIFEST

MIB = 2**20


def found(folder: Path, *logs: LogSeen) -> list[Finding]:
    with RecordWriter(folder) as record:
        record.manifest(msgspec.structs.replace(MANIFEST, scales=[1, 2]))
        for scale in (1, 2):
            record.event(
                ScaleDone(
                    scale=scale,
                    users=100 * scale,
                    trigger="t",
                    presses=1,
                    seconds=5.0,
                    batch_seconds=1.0,
                    complete=True,
                )
            )
        for log in logs:
            record.event(log)
    return [one for one in judge(Record(folder)).findings if one.code.startswith("LOG-")]


@pytest.mark.parametrize(("written", "floods"), [(20 * MIB, False), (20 * MIB + 1, True)])
def test_more_than_is_kept_of_a_container_is_a_flood(tmp_path: Path, written: int, floods: bool) -> None:
    told = found(
        tmp_path / "r",
        LogSeen(scale=1, service="shop", written=MIB, seconds=2.0),
        LogSeen(scale=2, service="shop", written=written, seconds=3.0),
    )
    assert bool(told) is floods
    if floods:
        assert told[0].title == "shop writes 20 MiB of log with 200 users"
        assert [one.text for one in told[0].evidence] == [
            "at 2x: 20,971,521 bytes in 3.0 s, 102.4 KiB for each user"
        ]


def test_of_a_log_whose_beginning_is_gone_the_pace_is_told(tmp_path: Path) -> None:
    (told,) = found(
        tmp_path / "r",
        LogSeen(scale=1, service="shop", written=MIB, seconds=8.0, whole=False, rate=12.5 * MIB),
    )
    assert told.title == "shop writes 12.5 MiB of log a second with 100 users"
    assert told.evidence[0].text.endswith("12.5 MiB a second: 100 MiB in 8 s, if it always wrote so")


def test_how_many_users_it_was_for_is_left_out_where_that_is_not_known(tmp_path: Path) -> None:
    (told,) = found(tmp_path / "r", LogSeen(scale=5, service="shop", written=30 * MIB, seconds=8.0))
    assert told.title == "shop writes 30 MiB of log" and told.counts == {}
