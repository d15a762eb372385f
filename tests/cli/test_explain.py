"""`rehearse explain`: the long text behind a code, and help with one that is not there."""

from __future__ import annotations

from tests.conftest import Rehearse


def test_a_code_is_explained_in_any_case(rehearse: Rehearse) -> None:
    run = rehearse("explain", "url-001")
    assert run.returncode == 0
    assert run.stdout.startswith("URL-001  The URL is too long")
    assert "Likely cause:" in run.stdout and "What to do:" in run.stdout


def test_an_unknown_code_is_told_with_its_neighbours_and_ends_with_2(rehearse: Rehearse) -> None:
    run = rehearse("explain", "URL-01")
    assert run.returncode == 2
    assert "did you mean URL-001" in " ".join(run.stderr.split())


def test_every_code_can_be_listed(rehearse: Rehearse) -> None:
    listed = rehearse("explain", "--list").stdout.splitlines()
    assert any(line.startswith("LOST-010 ") for line in listed)
    assert all(len(line) <= 110 for line in listed)
