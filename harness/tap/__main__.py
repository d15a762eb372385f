"""The tap's process: `python -m tap LISTEN_HOST PORT UPSTREAM_HOST PORT CONTROL_HOST PORT JOURNAL`, word in TAP_WORD.

It says `ready {"port": ..., "control": ...}` on stdout once it listens, and ends on SIGTERM. Port 0 is any free one.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

from .control import Control
from .journal import Journal
from .tee import Tee


async def run(words: list[str]) -> None:
    """Serves until it is told to end."""
    host, port, upstream, upstream_port, control, control_port, path = words
    over = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    journal = Journal(Path(path))
    tee = Tee((host, int(port)), (upstream, int(upstream_port)), journal)
    await tee.listen()
    at = await Control(tee, os.environ["TAP_WORD"]).serve(control, int(control_port))
    flushing = asyncio.ensure_future(tee.flushing())
    print("ready " + json.dumps({"port": tee.at[1], "control": at}), flush=True)  # noqa: T201
    await over.wait()
    flushing.cancel()
    journal.flush()


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1:]))
