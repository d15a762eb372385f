"""A harness that got no CPU has no word on time; one on a busy machine has."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from harness.checks.starved import starved
from harness.judgement import judge
from harness.model.events import Ended, HarnessShare, ScaleDone
from harness.model.finding import Verdict
from harness.model.record import Record, RecordWriter
from tests.model.test_record import MANIFEST

BUSY = HarnessShare(seconds=10.0, cpu=0.3, waited=4.0)
NOTHING_LEFT = HarnessShare(seconds=10.0, cpu=0.3, waited=8.5)


def judged(folder: Path, *shares: HarnessShare | None, batch_seconds: float = 9.0) -> Verdict:
    """A batch that may take five seconds, as seen by a harness that fared so at each scale."""
    with RecordWriter(folder) as record:
        record.manifest(msgspec.structs.replace(MANIFEST, scales=[1, 2, 3][: len(shares)], deadline=5.0))
        for scale, share in enumerate(shares, start=1):
            done = ScaleDone(
                scale=scale,
                users=10 * scale,
                trigger="t",
                presses=1,
                seconds=10.0,
                batch_seconds=batch_seconds,
                complete=True,
                harness=share,
            )
            record.event(done)
        record.event(Ended(status="completed", why="", seconds=1.0, harness_cpu=0.1))
    return judge(Record(folder))


@pytest.mark.parametrize("share", [BUSY, None])
def test_a_deadline_that_is_missed_on_a_busy_machine_is_a_finding(
    tmp_path: Path, share: HarnessShare | None
) -> None:
    told = judged(tmp_path, share)
    assert [finding.code for finding in told.findings] == ["TIME-002"]
    assert not [one for one in told.not_checked if "starved" in one.why]


def test_a_deadline_that_is_missed_where_the_harness_had_no_cpu_is_no_finding(tmp_path: Path) -> None:
    told = judged(tmp_path, NOTHING_LEFT)
    assert (told.verdict, told.findings) == ("inconclusive", [])
    why = " ".join(one.why for one in told.not_checked if one.decisive)
    assert "generator starved" in why and "waited for a CPU for 8.5 s of 10.0 s" in why
    assert any("TIME-002 withheld" in one.why for one in told.not_checked)


def test_one_starved_scale_is_told_and_decisive(tmp_path: Path) -> None:
    told = judged(tmp_path, BUSY, NOTHING_LEFT, batch_seconds=1.0)
    dark = [one for one in told.not_checked if "generator starved" in one.why]
    assert [(one.probe, one.decisive) for one in dark] == [("time at 2x", True)]


@pytest.mark.parametrize(
    ("ran", "waited", "is_starved"),
    [
        (2.0, 60.0, True),
        (20.0, 60.0, False),  # a busy machine: they had a quarter of what they wanted
        (1.0, 20.0, False),  # they slept most of the time
        (80.0, 900.0, False),  # they kept the machine busy themselves
    ],
)
def test_services_that_had_no_cpu_show_it_where_the_harness_asked_for_little(
    ran: float, waited: float, is_starved: bool
) -> None:
    share = HarnessShare(seconds=72.0, cpu=1.4, waited=20.0, services_cpu=ran, services_waited=waited, cpus=2)
    assert starved(share) is is_starved


@pytest.mark.parametrize(
    ("seconds", "cpu", "waited", "is_starved"),
    [
        (10.0, 0.1, 7.1, True),
        (10.0, 0.1, 6.9, False),
        (0.9, 0.0, 0.9, False),  # too short to tell
        (10.0, 2.5, 7.5, False),  # it worked hard itself
        (10.0, 0.0, 0.0, False),  # the kernel does not tell
    ],
)
def test_only_who_waits_most_of_the_time_and_hardly_gets_a_cpu_is_starved(
    seconds: float, cpu: float, waited: float, is_starved: bool
) -> None:
    assert starved(HarnessShare(seconds=seconds, cpu=cpu, waited=waited)) is is_starved


def test_a_deadline_that_was_missed_at_a_scale_that_was_watched_well_stands(tmp_path: Path) -> None:
    told = judged(tmp_path, BUSY, NOTHING_LEFT)
    assert [finding.code for finding in told.findings] == ["TIME-002"] and told.verdict == "not_ready"
