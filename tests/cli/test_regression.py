"""`--fail-on-regression`: 1 for what got worse, 3 aloud where that cannot be told, never 0 for either."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Here
from tests.measures.test_compare import rehearsal

GATE = ("--fail-on", "never", "--fail-on-regression")


@pytest.fixture
def runs(tmp_path: Path, here: Here) -> Path:
    """A baseline, and runs that are as good, slower, of other users, and without a measure that it had."""
    rehearsal(tmp_path / "before", 1, read=True)
    rehearsal(tmp_path / "same", 2, read=True)
    rehearsal(tmp_path / "slower", 3, read=True, slower=1.6)
    rehearsal(tmp_path / "others", 4, read=True, seed_of_users=9)
    rehearsal(tmp_path / "less", 5, read=True)
    (tmp_path / "less" / "tables" / "memory-5.jsonl").unlink()
    for scale in (1, 2):
        (tmp_path / "less" / "tables" / f"memory-{scale}.jsonl").unlink()
    accepted = here("baseline", "accept", tmp_path / "before", "--out", tmp_path / "kept.json")
    assert accepted.returncode == 0, accepted.stderr
    return tmp_path


@pytest.mark.parametrize(
    ("run", "baseline", "code", "says"),
    [
        ("same", "kept.json", 0, "nothing is worse"),
        ("slower", "kept.json", 1, "worse"),
        ("others", "kept.json", 3, "cannot be compared, they differ in users"),
        ("less", "kept.json", 3, "not all was measured again"),
        ("same", "none.json", 3, "there is no baseline"),
    ],
)
def test_a_regression_is_1_and_what_cannot_be_compared_is_3(
    runs: Path, here: Here, run: str, baseline: str, code: int, says: str
) -> None:
    told = here("judge", runs / run, "--baseline", runs / baseline, *GATE)
    assert says in " ".join((told.stdout + told.stderr).split())
    assert told.returncode == code
    compared = (run, baseline) in (("same", "kept.json"), ("slower", "kept.json"), ("less", "kept.json"))
    for report in ("summary.md", "report.html"):
        assert ("Against the baseline" in (runs / run / report).read_text()) == compared


def test_what_was_not_seen_is_3_whatever_may_fail(tmp_path: Path, here: Here) -> None:
    rehearsal(tmp_path / "unread", 1)
    assert here("judge", tmp_path / "unread", "--fail-on", "never").returncode == 3
