"""Says in the report of each trial what came of it. How to write one stands in `rows.py`."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

import pytest

from tests.faults.rows import TALLIES, Tally, Trial

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
    if report.passed and not trial.times_fired:
        report.outcome = "skipped"
        report.longrepr = (str(item.path), item.location[1] or 0, f"{trial.row}: its fault did not happen")
    told = {"row": trial.row, "asked": trial.count, "fired": trial.times_fired, "slowest": trial.slowest}
    report.user_properties.append(("trial", told))
    return report
