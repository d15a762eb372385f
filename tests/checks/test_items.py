"""The verdict on one item: the batch's word against what was done."""

import pytest

from harness.checks.items import verdict


@pytest.mark.parametrize(
    ("said", "effects", "becomes"),
    [
        ("ok", 1, "done-once"),
        ("failed", 1, "falsely-failed"),
        ("unknown", 1, "recovered"),
        (None, 1, "recovered"),
        ("running", 1, "stuck"),
        ("ok", 0, "falsely-ok"),
        ("failed", 0, "failed-clean"),
        ("unknown", 0, "lost"),
        (None, 0, "blocked"),
        ("running", 0, "stuck"),
        ("ok", 2, "duplicated"),
        ("failed", 2, "duplicated"),
        ("running", 3, "duplicated"),
        (None, 2, "duplicated"),
    ],
)
def test_the_table(said: str | None, effects: int, becomes: str) -> None:
    assert verdict(said, effects) == becomes
