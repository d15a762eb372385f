"""A rehearsal in a process of its own, for commands that hold some themselves."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

COMMAND = (sys.executable, "-c", "from harness.cli import main; main()")
HELD = (0, 1, 3)
"""How a rehearsal ends that came to its end."""
PATIENCE = 60.0


def called(words: list[str], cwd: Path) -> tuple[int, bytes]:
    """The exit code of `rehearse WORDS` and its stdout; what ends this process ends it too."""
    env = os.environ | {"REHEARSE_PARENT": str(os.getpid())}
    with subprocess.Popen([*COMMAND, *words], cwd=cwd, env=env, stdout=subprocess.PIPE) as process:
        try:
            report = process.communicate()[0]
        except BaseException:
            process.terminate()
            process.wait(PATIENCE)
            raise
    return process.returncode, report
