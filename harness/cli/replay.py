"""Tries the failing user of one cause again: RUN is a rehearsal's folder, FINDING the id of an ITEM-010 in it.

The stage is brought up again, as the project is now, and the user (and the one that passed then) is sent through
alone. FIXED: the user passes. STILL: it fails as it did. CANNOT TELL: something else is wrong.

\b
rehearse replay reports/friday_payouts/latest 3f2a91c0

\b
exit codes: 0 fixed, 1 still, 3 cannot tell
"""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.settings import Configured
from harness.model.record import Record
from harness.model.scenario import parse_duration
from harness.opening import engine_for, opener
from harness.replaying import attempts_on, find_cause, replay, scenario_of
from harness.report.text import inert
from harness.stage import build_images

EXIT = {"FIXED": 0, "STILL": 1, "CANNOT TELL": 3}


@click.command("replay", cls=Configured, help=__doc__)
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("finding")
@click.option("--stage", type=click.Choice(["auto", "docker", "process"]), default="auto", show_default=True)
@click.option("--seed", type=int, help="Which ids the tries get.  [default: the run's]")
@click.option("--budget", default="5m", show_default=True, help="The longest it may take.")
def command(run: Path, finding: str, stage: str, seed: int | None, budget: str) -> None:
    record = Record(run)
    event = find_cause(record, finding)
    loaded = scenario_of(record)
    engine, why = engine_for(stage)
    click.echo(f"user {event.item}, once {event.cause.signature!r}; stage {stage}: {why}", err=True)
    images = build_images(engine, loaded.scenario, loaded.root) if engine else {}
    seconds = parse_duration(budget, what="--budget")
    chosen = record.manifest.seed if seed is None else seed
    with attempts_on(loaded, chosen, opener(loaded, engine, images), seconds) as attempts:
        found = replay(event.cause, attempts)
    click.echo(f"{found.word}: {inert(found.why)} ({found.failed} of {found.tries} tries failed)")
    raise click.exceptions.Exit(EXIT[found.word])
