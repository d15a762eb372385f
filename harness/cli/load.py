"""Plays load from SCENARIO (a file, or file.py:ClassName) with Locust's processes, each user once, and judges it.

items sends one request for each user, as `items = Load(...)` in the scenario says. downstream plays the calls of
`downstream = Load(...)` against their service alone, at 1x to 10x of their concurrency. Users of a locustfile of your
own get theirs from `next_user()` (see docs/load.md).

\b
rehearse load scenarios/mine.py --mode items --users 4000 --concurrency 32
rehearse load scenarios/mine.py --mode items --rate 50
rehearse load scenarios/mine.py --mode downstream --times 1,2,5,10
rehearse load scenarios/mine.py --locustfile mine_locust.py --workers 4
rehearse load scenarios/mine.py --workers 6 --here 2 --bind 0.0.0.0 --port 5557

\b
exit codes: 0 ready, 1 findings at or above --fail-on, 2 usage or scenario error, 3 inconclusive (the generator
was starved, or something was not sent), 4 the harness itself failed, 5 environment, 124 time budget
"""

from __future__ import annotations

import socket
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import click
import psutil

from harness.cli import telling
from harness.cli.budget import WITHIN
from harness.cli.holding import Spectator, finish, hold, run_folder, sweep
from harness.cli.progress import ProgressLine
from harness.cli.screen import screen
from harness.cli.settings import Configured
from harness.cli.worker import PORT
from harness.drive.locust.fleet import must_have_locust
from harness.drive.locust.workers import PLAY
from harness.errors import Refused, UsageError
from harness.loading import Loaded, load
from harness.model.phases import parse_limits
from harness.model.quantity import parse_duration, parse_multiples
from harness.model.scenario import StageKind
from harness.opening import engine_for
from harness.plan import Plan
from harness.population import Population
from harness.under_load import Hands

Mode = Literal["items", "downstream"]


@click.command("load", cls=Configured, help=__doc__)
@click.argument("scenario")
@click.option("--mode", type=click.Choice(["items", "downstream"]), default="items", show_default=True)
@click.option("--users", type=click.IntRange(min=1), help="How many users.  [default: the scenario's usual]")
@click.option("--concurrency", type=click.IntRange(min=1), help="Users at once.  [default: the scenario's]")
@click.option(
    "--rate", type=click.FloatRange(min=0, min_open=True), help="Requests a second: an open arrival."
)
@click.option(
    "--times", default="1,2,3,4,5,6,7,8,9,10", show_default=True, help="Multiples for --mode downstream."
)
@click.option("--workers", type=click.IntRange(min=1), default=2, show_default=True, help="Worker processes.")
@click.option("--here", type=click.IntRange(min=0), help="So many of them on this machine.  [default: all]")
@click.option(
    "--bind", default="127.0.0.1", show_default=True, help="Where workers of other machines come to."
)
@click.option(
    "--port", type=click.IntRange(1, 65535), help="Its port.  [default: 5557; a free one on loopback]"
)
@click.option("--reach", default="", help="This machine, as workers on others reach its services.")
@click.option(
    "--locustfile", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Play this instead."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Which users are invented.")
@click.option("--stage", type=click.Choice(["auto", "docker", "process"]), default="auto", show_default=True)
@click.option("--budget", default="1h", show_default=True, help="The longest it may take.")
@WITHIN
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder of the reports.  [default: <project>/reports]"
)
@telling.options
def command(scenario: str, mode: Mode, **given: Any) -> None:
    must_have_locust()
    loaded = _with_load(load(scenario), mode, given)
    within = parse_limits(given["within"])
    deadline = time.monotonic() + parse_duration(given["budget"], what="--budget")
    folder = run_folder(given["out"] or loaded.root / "reports", loaded.name)
    with ProgressLine(screen(error=True)) as progress:
        engine, why = engine_for(given["stage"], loaded.scenario)
        kind: StageKind = "docker" if engine else "process"
        usual = given["users"] or loaded.scenario.usual
        people = Population(given["seed"], loaded.scenario.population)
        hands = Hands(
            people,
            workers=given["workers"],
            here=given["here"],
            bind=(given["bind"], given["port"] or (0 if given["bind"] == "127.0.0.1" else PORT)),
            locustfile=(given["locustfile"] or PLAY).resolve(),
            times=parse_multiples(given["times"], what="--times"),
            only=mode,
            reach=_own(given["reach"]),
        )
        plan = Plan(usual, (1,), given["seed"], deadline, kind, why, probes=(), hands=hands, within=within)
        progress.note(f"playing {mode} of {loaded.name} with {plan.usual:,} users; stage {kind}: {why}")
        sweep(engine, progress)
        problem = hold(loaded, plan, engine, Spectator(progress, folder))
    finish(folder, plan, telling.taken(given), problem)


def _with_load(loaded: Loaded, mode: Mode, given: dict[str, Any]) -> Loaded:
    """The scenario with what the command line says of its load. Raises UsageError where it has none."""
    scenario = loaded.scenario
    found = getattr(scenario, mode)
    if found is None:
        raise UsageError(
            f"{loaded.source} says nothing of {mode}",
            expected=f'{mode} = Load(service, "POST", "/path", json={{"id": "{{id}}"}}) in the scenario',
            fix="add it, or choose another --mode",
        )
    if given["rate"]:
        found = replace(found, arrival="open", rate=given["rate"])
    if given["concurrency"]:
        found = replace(found, concurrency=given["concurrency"])
    setattr(scenario, mode, found)
    return loaded


def _own(host: str) -> str:
    """The host, if it is this machine: load goes to services that were started here. Raises Refused."""
    if not host:
        return ""
    here = {address.address for found in psutil.net_if_addrs().values() for address in found}
    try:
        named = {str(found[4][0]) for found in socket.getaddrinfo(host, None)}
    except OSError:
        named = set()
    if not named or named - here:
        raise Refused(
            f"--reach {host} is not this machine",
            expected=f"one of its addresses: {', '.join(sorted(address for address in here if '.' in address))}",
            fix="give the address under which the workers reach this machine",
        )
    return host
