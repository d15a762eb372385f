"""Holds a rehearsal of SCENARIO (a file, or file.py:ClassName) and says whether the batch can run at that size.

The services are brought up as containers where an engine answers, else as plain processes. Everything that was
seen goes into reports/<scenario>/<run>/; `latest` points to the newest.

Each option may stand in pyproject.toml, under [tool.rehearse], or in the environment, as REHEARSE_SCALES=1,2. The
environment goes before the file, and the command line before both.

\b
rehearse run scenarios/friday_payouts.py
rehearse run scenarios/friday_payouts.py --scales 1,2,5,10 --users 400 --seed 7
rehearse run scenarios/friday_payouts.py --stage process --json > report.json
rehearse run scenarios/friday_payouts.py --scales 1 --probes rerun --budget 1h30m
rehearse run scenarios/friday_payouts.py --fail-on never --fail-on-regression

\b
rehearse run scenarios/mine.py --stage attach --dry-run
rehearse run scenarios/mine.py --stage attach --confirm staging.example.test

\b
exit codes: 0 ready, 1 findings at or above --fail-on or a regression, 2 usage or scenario error, 3 inconclusive,
4 the harness itself failed, 5 environment, 6 refused for safety, 124 time budget, 130/143 interrupted
"""

from __future__ import annotations

import difflib
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import click
from click.core import ParameterSource

from harness.attaching import Asked, prepare
from harness.cli import telling
from harness.cli.budget import WITHIN, Alarm
from harness.cli.dry_run import show_dry_run
from harness.cli.ending import full_disk
from harness.cli.holding import Spectator, finish, hold, run_folder, sweep
from harness.cli.progress import ProgressLine
from harness.cli.screen import screen
from harness.cli.settings import Configured
from harness.errors import Refused, UsageError
from harness.loading import Loaded, load
from harness.model.phases import parse_limits
from harness.model.quantity import parse_duration, parse_multiples
from harness.model.scenario import StageKind
from harness.opening import engine_for
from harness.plan import ALL_PROBES, PROBES, Plan
from harness.stage.attach import Site
from harness.stage.labels import lease

AFTER_BUDGET = 15 * 60.0


@click.command("run", cls=Configured, help=__doc__)
@click.argument("scenario")
@click.option(
    "--scales", help="Multiples of the usual number of users, such as 1,2,5,10.  [default: the scenario's]"
)
@click.option(
    "--users", type=click.IntRange(min=1), help="The usual number of users.  [default: the scenario's]"
)
@click.option(
    "--seed", type=int, help="Which users are invented.  [default: 1; on the attach stage others each time]"
)
@click.option(
    "--stage",
    type=click.Choice(["auto", "docker", "process", "attach"]),
    default="auto",
    show_default=True,
    help="Containers, processes, or services that already run (attach); auto: containers where an engine answers.",
)
@click.option(
    "--confirm",
    metavar="HOST",
    multiple=True,
    help="On the attach stage: users may be put in and triggers pulled on this host.",
)
@click.option("--dry-run", is_flag=True, help="Print every request that would be sent, and send none.")
@click.option("--budget", default="1h", show_default=True, help="The longest the rehearsal may take.")
@WITHIN
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder of the reports.  [default: <project>/reports]"
)
@click.option(
    "--probes",
    "--probe",
    default=",".join(PROBES),
    show_default=True,
    help="What is asked beside the scales: edges (how many users a trigger carries exactly), causes (why users"
    " fail), rerun (what comes of pressing the button again), memory (more users where it is undecided), lines (those"
    " that keep memory), faults (what it makes of a downstream in trouble), oom (a real run into the memory limit"
    " that is foretold); or none.",
)
@click.option(
    "--tap",
    type=click.Choice(["auto", "on", "off"]),
    default="auto",
    show_default=True,
    help="Listen between the batch and the first service it calls, while the scales run; auto: where the scenario"
    " has no effects().",
)
@telling.options
def command(scenario: str, **given: Any) -> None:
    how = telling.taken(given)
    options = _Options(**given)
    loaded = load(scenario)
    deadline = time.monotonic() + (allowed := parse_duration(options.budget, what="--budget"))
    lease(allowed + AFTER_BUDGET)
    longest = parse_limits(options.within)
    usual = options.users or loaded.scenario.usual
    asked = _asked(loaded, options, usual)
    if asked.site and options.dry_run:
        with Alarm(deadline, longest, loaded.source):
            show_dry_run(loaded, asked.site, asked.scales[0] * usual, asked.seed, machine=how.machine)
        return
    folder = run_folder(options.out or loaded.root / "reports", loaded.name)
    with ProgressLine(screen(error=True)) as progress:
        with Alarm(deadline, longest):
            engine, why = (None, "asked for") if asked.site else engine_for(options.stage, loaded.scenario)
            sweep(engine, progress)
        kind: StageKind = "attach" if asked.site else "docker" if engine else "process"
        plan = Plan(
            usual,
            asked.scales,
            asked.seed,
            deadline,
            kind,
            why,
            probes=asked.probes,
            tap=options.tap,
            within=longest,
        )
        times = ", ".join(f"{scale}x" for scale in plan.scales)
        progress.note(f"rehearsing {loaded.name} at {times} of {usual:,} users; stage {kind}: {why}")
        try:
            problem = hold(loaded, plan, asked.site or engine, Spectator(progress, folder))
        except OSError as stop:
            problem = full_disk(stop)
            if problem is None:
                raise
    finish(folder, plan, how, problem)


@dataclass(frozen=True)
class _Options:
    """The command line, as it was given."""

    scales: str | None
    users: int | None
    seed: int | None
    stage: str
    confirm: tuple[str, ...]
    dry_run: bool
    budget: str
    within: str
    out: Path | None
    probes: str
    tap: Literal["auto", "on", "off"]


@dataclass(frozen=True)
class _Asked:
    """What is to be rehearsed, and where it runs already; None: it is brought up."""

    site: Site | None
    scales: tuple[int, ...]
    probes: tuple[str, ...]
    seed: int


def _asked(loaded: Loaded, options: _Options, usual: int) -> _Asked:
    scales = loaded.scenario.scales
    if options.scales:
        scales = parse_multiples(options.scales, what="--scales", ascending=True)
    probes = _probes(options.probes)
    if options.stage == "attach":
        named = scales if options.scales else None
        site, scales = prepare(loaded, Asked(named, usual, _typed(options.confirm), options.dry_run))
        seed = secrets.randbelow(2**31) if options.seed is None else options.seed
        return _Asked(site, scales, (), seed)
    if options.confirm or options.dry_run:
        raise UsageError(
            "--confirm and --dry-run are about services that already run",
            expected="--stage attach with them",
            fix="leave them out, or attach",
        )
    return _Asked(None, scales, probes, 1 if options.seed is None else options.seed)


def _typed(confirm: tuple[str, ...]) -> tuple[str, ...]:
    """The confirmed hosts; one that stands in a file or the environment confirms nothing."""
    context = click.get_current_context()
    if confirm and context.get_parameter_source("confirm") is not ParameterSource.COMMANDLINE:
        raise Refused(
            "--confirm comes from a file or the environment",
            expected="somebody who types the host's name",
            fix="take it out there, and give it on the command line",
        )
    return confirm


def _probes(text: str) -> tuple[str, ...]:
    named = tuple(part.strip() for part in text.split(",") if part.strip() != "none")
    unknown = [name for name in named if name not in ALL_PROBES]
    if unknown:
        near = difflib.get_close_matches(unknown[0], ALL_PROBES, n=1, cutoff=0.5)
        raise UsageError(
            f"--probes names {', '.join(unknown)}",
            expected=f"some of {', '.join(ALL_PROBES)}, separated by commas, or none",
            fix=f"did you mean {near[0]}?" if near else "write it so",
        )
    return named
