"""What came of each row of the fault matrix, counted from the reports of its trials: those come from the workers too
where the tests run side by side. `tests/conftest.py` registers this module, since a folder's own conftest is not
read where its tests are handed out."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.faults.rows import FULL, TALLIES, Tally, write_table


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """A report that tells of a trial counts."""
    told: dict[str, Any] | None = dict(report.user_properties).get("trial")  # type: ignore[assignment]
    if told is None:
        return
    tally = TALLIES.setdefault(told["row"], Tally())
    tally.asked += told["asked"]
    tally.fired += told["fired"]
    if report.failed:
        tally.failed += 1
    elif report.skipped:
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        tally.why_not = str(why).removeprefix(f"{told['row']}: ")
    else:
        tally.passed += told["fired"]
    if told["slowest"] is not None:
        tally.slowest = max(told["slowest"], tally.slowest or 0.0)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A full run writes the table; in CI a row that never fired is a failure."""
    if hasattr(session.config, "workerinput"):  # a worker: the one that started it counts
        return
    # What a worker has left out is not known here, and what was broken off is no full run.
    whole = not session.config.pluginmanager.hasplugin("dsession")
    if FULL and TALLIES and whole and session.exitstatus != pytest.ExitCode.INTERRUPTED:
        write_table()
    never = [name for name, tally in TALLIES.items() if tally.asked and not tally.fired]
    if never and os.environ.get("CI") and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line a row."""
    rows = sorted(TALLIES.items(), key=lambda row: int(row[0][1:]))
    rows = [(name, tally) for name, tally in rows if tally.asked]
    if rows:
        terminalreporter.section("fault matrix")
        for name, tally in rows:
            slowest = "" if tally.slowest is None else f", slowest {tally.slowest:.1f} s"
            terminalreporter.line(
                f"{name}: {tally.asked} trials, {tally.fired} fired, {tally.passed} passed{slowest}: {tally.word}"
            )
