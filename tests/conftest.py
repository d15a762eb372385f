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


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(tally)


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
