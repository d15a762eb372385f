"""The command called within the test's own process: a second of imports less for each call."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness import cli


@dataclass(frozen=True)
class Called:
    """How a command ended, and what it wrote."""

    returncode: int
    stdout: str
    stderr: str


Here = Callable[..., Called]


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Here:
    """`here("judge", run, REHEARSE_FAIL_ON="never")`: the words, and what stands in the environment meanwhile."""

    def call(*words: str | Path, **env: str) -> Called:
        with monkeypatch.context() as only:
            only.setattr(sys, "argv", ["rehearse", *map(str, words)])
            for name, value in env.items():
                only.setenv(name, value)
            code = cli._run()
        out, err = capfd.readouterr()
        return Called(code, out, err)

    return call
