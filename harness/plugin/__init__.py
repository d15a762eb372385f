"""The pytest plugin: a rehearsal as a test.

    @pytest.mark.rehearsal(scenario="scenarios/friday_payouts.py", scales=(1, 2), fail_on="high")
    @pytest.mark.rehearsal_allow("TIME-002", reason="the night run has no deadline", until="2027-03-01")
    def test_friday(rehearsal):
        assert rehearsal.safe_users >= 2000

The rehearsal is held once for all tests that ask for the same one, in a process of its own: nothing of it, and no
load generator, is imported here. A test that carries the marker fails, whatever its body says, by each finding at or
above `fail_on` and by what could not be seen. `rehearsal_allow` takes a code, or "inconclusive", out of that.

Loaded into every test run of the environment, so it imports next to nothing until a rehearsal is asked for.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from harness.plugin.asking import Asked
    from harness.plugin.holding import Rehearsed

OPTIONS = (
    ("seed", "which users are invented"),
    ("stage", "auto, docker or process: where the services run"),
    ("scales", "multiples of the usual number of users, such as 1,2,5,10"),
    ("users", "the usual number of users"),
    ("probes", "what is asked beside the scales, or none"),
    ("budget", "the longest that a rehearsal may take, such as 1h30m"),
    ("out", "folder of the reports; default: reports below pytest's root folder"),
)
HELD = pytest.StashKey[dict["Asked", "Rehearsed | str"]]()
MINE = pytest.StashKey["Rehearsed"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options that go before those of the markers. Other plugins have --host and the like: ours have a prefix."""
    group = parser.getgroup("rehearse", "rehearsals of a batch (rehearse)")
    for name, told in OPTIONS:
        group.addoption(f"--rehearse-{name}", metavar=name.upper(), default=None, help=told)


def pytest_configure(config: pytest.Config) -> None:
    """Makes the markers known."""
    for line in (
        "rehearsal(scenario, *, scales, fail_on='high', seed, users, stage, probes, budget): the test holds this"
        " rehearsal, and fails by what it finds",
        "rehearsal_allow(code, *, reason, until): findings of this code, or 'inconclusive', do not fail the test",
    ):
        config.addinivalue_line("markers", line)
    config.stash[HELD] = {}


def pytest_report_header(config: pytest.Config) -> str:
    """The seed and the stage, as far as the command line says them."""
    seed, stage = config.getoption("rehearse_seed"), config.getoption("rehearse_stage")
    return f"rehearse: seed {seed or 'of each marker, or 1'}, stage {stage or 'of each marker, or auto'}"


def pytest_itemcollected(item: pytest.Item) -> None:
    """A test with the marker holds its rehearsal, be the fixture among its arguments or not."""
    if not isinstance(item, pytest.Function) or not item.get_closest_marker("rehearsal"):
        return
    if "rehearsal" not in item.fixturenames:
        item.fixturenames.append("rehearsal")


@pytest.fixture
def rehearsal(request: pytest.FixtureRequest) -> Rehearsed:
    """The rehearsal that the test's marker names: verdict, findings, the largest safe number of users."""
    from harness.plugin import asking, holding

    asked = asking.asked(request.node)
    asking.check(request.node)
    kept = request.config.stash[HELD]
    if asked not in kept:
        kept[asked] = holding.hold(asked)
    held = kept[asked]
    if isinstance(held, str):
        pytest.fail(held, pytrace=False)
    request.node.stash[MINE] = held
    return held


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """After the test's own assertions come those of its marker."""
    held = item.stash.get(MINE, None)
    if held is None:
        return (yield)
    from harness.plugin import asking, gate

    try:
        result = yield
    except Exception:
        item.add_report_section("call", "rehearsal", held.text)
        raise
    allowed = asking.allowed(item)
    for stale in gate.stale(held.verdict, allowed):
        item.warn(pytest.PytestWarning(f"rehearsal_allow({stale!r}) is not needed: nothing of it was found"))
    told = gate.told(held, asking.fail_on(item), allowed)
    if told:
        pytest.fail(told, pytrace=False)
    return result
