"""Counts what came of each row of the fault matrix. How to write one stands in `rows.py`."""

from __future__ import annotations

import os
from collections.abc import Generator
from dataclasses import replace

import pytest

from tests.faults.rows import FULL, TALLIES, Tally, Trial, write_table

TRIAL = pytest.StashKey[Trial]()


@pytest.fixture
def trial(request: pytest.FixtureRequest) -> Trial:
    """The trial at hand; call `fired()` once the fault is proven."""
    assert isinstance(request.param, Trial)
    request.node.stash[TRIAL] = replace(request.param)
    return request.node.stash[TRIAL]


def _trial(item: pytest.Item) -> Trial | None:
    asked = getattr(item, "callspec", None) and item.callspec.params.get("trial")
    return item.stash.get(TRIAL, asked if isinstance(asked, Trial) else None)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests of the full run only are left out of a quick one, and do not show as skipped."""
    late = [item for item in items if item.get_closest_marker("only_in_full")]
    if late:
        config.hook.pytest_deselected(items=late)
        items[:] = [item for item in items if item not in late]


def pytest_deselected(items: list[pytest.Item]) -> None:
    """A row that was cut keeps its old line in the table."""
    for trial in filter(None, map(_trial, items)):
        TALLIES.setdefault(trial.row, Tally()).cut += 1


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A trial whose fault did not happen has not passed."""
    report = yield
    trial = _trial(item)
    if trial is None or (report.when != "call" and report.passed):
        return report
    tally = TALLIES.setdefault(trial.row, Tally())
    tally.asked += trial.count
    tally.fired += trial.times_fired
    if report.failed:
        tally.failed += 1
    elif report.skipped:
        tally.why_not = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
    elif not trial.times_fired:
        report.outcome = "skipped"
        report.longrepr = (str(item.path), item.location[1] or 0, f"{trial.row}: its fault did not happen")
        tally.why_not = "its fault did not happen"
    else:
        tally.passed += trial.times_fired
    if trial.slowest is not None:
        tally.slowest = max(trial.slowest, tally.slowest or 0.0)
    return report


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A full run writes the table; in CI a row that never fired is a failure."""
    if FULL and TALLIES:
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
