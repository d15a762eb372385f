"""A signal ends a command, wherever it strikes."""

from __future__ import annotations

import subprocess
import sys

from tests.conftest import ROOT

STRUCK = """
import os, signal, time
from harness.cli.ending import Interrupted, on_signals

class Finalised:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        for _ in range(1000):
            time.sleep(0)
        print("finalised to the end")

on_signals()
try:
    Finalised()
    print("dropped by Python")
    time.sleep(60)
except Interrupted as stop:
    print(stop, stop.exit_code)
"""


def test_an_interruption_that_strikes_while_an_object_is_finalised_is_not_lost() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", STRUCK], cwd=ROOT, capture_output=True, text=True, timeout=50, check=False
    )
    assert ran.stdout.splitlines() == ["dropped by Python", "SIGTERM 143"], ran.stderr
    assert not ran.stderr
