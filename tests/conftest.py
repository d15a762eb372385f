"""What all tests share: the engine, and scenarios written on the spot."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

from harness.stage import Engine, find_engine
from tests.faults import tally

# A busy machine is no fault of the code: no test has a time to keep.
hypothesis.settings.register_profile("house", deadline=None)
hypothesis.settings.load_profile("house")

ROOT = Path(__file__).parent.parent
REHEARSE = [sys.executable, "-c", "from harness.cli import main; main()"]
LONG = ("end_to_end/test_friday", "end_to_end", "faults", "load", "plugin", "measures", "cli")
"""Begun first, so that no worker still has a long file to itself when the others are through."""


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(tally)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def turn(item: pytest.Item) -> int:
        long = (turn for turn, name in enumerate(LONG) if item.nodeid.startswith(f"tests/{name}"))
        return next(long, len(LONG))

    items.sort(key=turn)


@pytest.fixture(scope="session")
def engine() -> Engine:
    """A container engine. Without one the test is skipped; in CI it fails, because nothing was tested."""
    found = find_engine()
    if isinstance(found, Engine):
        return found
    if os.environ.get("CI"):
        pytest.fail(f"no container engine, and in CI its tests must run: {found.why}")
    pytest.skip(f"no container engine: {found.why}")


Rehearse = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def rehearse(tmp_path: Path) -> Rehearse:
    """The command as a user calls it: `rehearse("run", scenario, ...)` with reports in tmp_path/reports."""

    def call(*words: str | Path, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        own = ["--out", str(tmp_path / "reports")] if words[0] in ("run", "load") else []
        return subprocess.run(
            [*REHEARSE, *map(str, words), *own],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
            check=False,
        )

    return call
