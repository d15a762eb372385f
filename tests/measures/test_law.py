"""How long the batch took by itself."""

from pathlib import Path

import pytest

from harness.measures import law
from harness.model.events import ScaleDone
from harness.model.record import Record, RecordWriter
from tests.checks.books import manifest


def test_the_time_the_harness_held_the_batch_still_is_not_its_own(tmp_path: Path) -> None:
    users = list(range(101))
    at = [0.01 * user + 0.02 * max(0, (user - 50) // 5) for user in users]  # held ten times for 20 ms
    with RecordWriter(tmp_path) as record:
        record.manifest(manifest([1], 100))
        record.rows("progress-1", t=at, done=users, failed=[0] * 101)
        record.rows("holds-1", users=[20, *range(55, 105, 5)], seconds=[9.0, *[0.02] * 10])
        done = ScaleDone(
            scale=1, users=100, trigger="t", presses=1, seconds=2.0, batch_seconds=1.0, complete=True
        )
        record.event(done)
    (timed,) = law.timed(Record(tmp_path))
    assert timed.undisturbed == pytest.approx(1.0, rel=0.1)
