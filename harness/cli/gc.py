"""Removes what rehearsals that were killed have left: containers, networks, processes, scratch folders.

What a rehearsal that still runs has started is left alone.

\b
rehearse gc --dry-run
rehearse gc
"""

from __future__ import annotations

import click

from harness.cli.screen import json_option, put_json
from harness.stage import Engine, find_engine
from harness.stage.leftovers import belongings, dead_owners
from harness.stage.watchdog import remove


@click.command("gc", help=__doc__)
@click.option("--dry-run", is_flag=True, help="Say what would be removed, and remove nothing.")
@json_option
def command(dry_run: bool, machine: bool) -> None:
    found = find_engine()
    client = found.client if isinstance(found, Engine) else None
    if not isinstance(found, Engine):
        click.echo(
            f"no container engine answers ({found.why}): only processes and folders are looked at", err=True
        )
    dead = dead_owners(client)
    stays: list[str] = []
    left: list[str] = []
    for owner in dead:
        for thing in belongings(client, owner):
            left.append(f"{thing} of {owner}")
            click.echo(f"{'would remove' if dry_run else 'removing'} {left[-1]}", err=machine)
        if not dry_run:
            stays += remove(client, owner, passes=1)
    if not dead:
        click.echo("nothing is left of rehearsals that have ended", err=machine)
    for problem in stays:
        click.echo(f"not removed: {problem}", err=True)
    if machine:
        document = {"left": left, "removed": not dry_run, "not_removed": stays}
        put_json(document)
    raise click.exceptions.Exit(7 if stays else 0)
