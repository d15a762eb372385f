"""The verdict on one item: the batch's word against what was done."""

from __future__ import annotations

import pytest

from harness.checks.verdicts import DONE, VERDICTS, WORDS, Done, verdict
from harness.model.scenario import Said


@pytest.mark.parametrize(
    ("said", "done", "becomes"),
    [
        ("ok", "once", "done-once"),
        ("failed", "once", "falsely-failed"),
        ("unknown", "once", "recovered"),
        (None, "once", "recovered"),
        ("running", "once", "stuck"),
        ("ok", "none", "falsely-ok"),
        ("failed", "none", "failed-clean"),
        ("unknown", "none", "lost"),
        (None, "none", "blocked"),
        ("running", "none", "stuck"),
        ("ok", "partial", "falsely-ok"),
        ("failed", "partial", "half-done"),
        ("unknown", "partial", "half-done"),
        (None, "partial", "half-done"),
        ("running", "partial", "stuck"),
    ],
)
def test_the_table(said: Said | None, done: Done, becomes: str) -> None:
    assert verdict(done, said) == becomes


def test_the_table_has_a_verdict_for_every_pair() -> None:
    assert {verdict(done, said) for done in DONE for said in WORDS} == set(VERDICTS)


def test_a_duplicate_and_wrong_content_are_that_whatever_is_said() -> None:
    assert {verdict("over", said) for said in WORDS} == {"duplicated"}
    assert {verdict("wrong", said) for said in WORDS} == {"corrupted"}
