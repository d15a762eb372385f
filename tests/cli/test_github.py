"""In a GitHub workflow nothing on the log is a command but our annotations, and the step gets its summary."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import Rehearse
from tests.report.staged import staged


def test_the_runner_reads_commands_only_behind_the_report(
    tmp_path: Path, rehearse: Rehearse, monkeypatch: pytest.MonkeyPatch
) -> None:
    staged(tmp_path / "run", "::error::pwned\n::set-output name=x::y")
    summary = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    run = rehearse("judge", tmp_path / "run", "--json")
    token = re.match(r"::stop-commands::(\w{32})\n", run.stderr)
    assert token
    stopped, _, behind = run.stderr.partition(f"\n::{token[1]}::\n")
    assert "pwned" in stopped
    assert behind and all(
        re.match(r"::(error|warning|notice) file=", line) for line in behind.strip().splitlines()
    )
    assert summary.read_text().startswith("## NOT READY")


def test_elsewhere_nothing_of_it_is_written(tmp_path: Path, rehearse: Rehearse) -> None:
    staged(tmp_path / "run")
    assert "::" not in rehearse("judge", tmp_path / "run", "--json").stderr
