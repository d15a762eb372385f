"""Joins the load that `rehearse load` plays on another machine, as so many of its workers.

The machine that plays waits for its workers: `rehearse load SCENARIO --workers 6 --here 2 --bind 0.0.0.0`. A worker
needs nothing but this command: the users and the request come from there. Each user is still sent once. A worker that
dies is replaced, and what it was sending is told as unknown; one that does not hear from the master stops sending.

\b
rehearse worker --master 10.0.0.5
rehearse worker --master 10.0.0.5 --port 5557 --count 4
rehearse worker --master 10.0.0.5 --locustfile mine_locust.py

\b
exit codes: 0 the load is over, 4 the workers kept dying, 5 no Locust here or nothing listens there
"""

from __future__ import annotations

import shutil
import socket
import time
from pathlib import Path

import click

from harness.cli.progress import ProgressLine
from harness.cli.screen import json_option, put_json, screen
from harness.drive.locust.fleet import POLL, must_have_locust
from harness.drive.locust.workers import PLAY, Workers
from harness.errors import EnvironmentProblem
from harness.model.scenario import parse_duration
from harness.stage.leash import stand_by
from harness.stage.watchdog import OWNER_VARIABLE, scratch_folder

PORT = 5557
"""Where Locust's masters listen."""


@click.command("worker", help=__doc__)
@click.option("--master", required=True, help="The host that plays.")
@click.option("--port", type=click.IntRange(1, 65535), default=PORT, show_default=True, help="Its port.")
@click.option(
    "--count", type=click.IntRange(min=1), default=1, show_default=True, help="Workers on this machine."
)
@click.option("--wait", default="60s", show_default=True, help="How long the master may take to be there.")
@click.option(
    "--locustfile", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="The one played."
)
@json_option
def command(master: str, port: int, count: int, wait: str, locustfile: Path | None, machine: bool) -> None:
    must_have_locust()
    with ProgressLine(screen(error=True)) as progress:
        progress.say(f"waiting for {master}:{port}")
        _until_it_listens(master, port, parse_duration(wait, what="--wait"))
        owner = stand_by()
        scratch = scratch_folder(owner)
        workers = Workers(scratch, (master, port), (locustfile or PLAY).resolve(), {OWNER_VARIABLE: owner})
        progress.note(f"{count} of the workers of {master}:{port}")
        try:
            workers.start(count)
            while not workers.dismissed:
                workers.look()
                time.sleep(POLL)
        finally:
            workers.end()
            shutil.rmtree(scratch, ignore_errors=True)
        progress.note("the load is over")
    if machine:
        put_json({"master": f"{master}:{port}", "workers": count, "replaced": workers.deaths})


def _until_it_listens(host: str, port: int, seconds: float) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection((host, port), 2).close()
            return
        except OSError as problem:
            if time.monotonic() > until:
                raise EnvironmentProblem(
                    f"nothing listens at {host}:{port} ({problem})",
                    expected="a `rehearse load` with --here and --bind on that machine",
                    cause="it has not begun, listens on loopback alone, or a firewall is between",
                    fix="start it there first, with --bind 0.0.0.0",
                ) from problem
            time.sleep(0.5)
