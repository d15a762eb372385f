"""`rehearse run --stage attach --dry-run`: every request that would be sent, on stdout, and none is."""

from __future__ import annotations

import click

from harness.attaching import dry_steps
from harness.drive.client import Request
from harness.loading import Loaded
from harness.model.redaction import clean
from harness.population import Population
from harness.report.text import inert, shorten
from harness.stage.attach import Site

MOST_TEXT = 600


def show_dry_run(loaded: Loaded, site: Site, users: int, seed: int) -> None:
    """Prints the requests step by step, as they would be built for these users."""
    count = 0
    people = Population(seed, loaded.scenario.population).users(users)
    for name, place in site.places.items():
        click.echo(f"{name}: {place.url}, pinned to {place.address}")
    for step in dry_steps(loaded, site, people):
        click.echo(f"\n{inert(step.what)}")
        for request in step.requests:
            count += 1
            click.echo(f"  {shown(request, site.places[request.service].url)}")
        if step.why_no_more:
            click.echo(f"  ... {inert(step.why_no_more)}")
    click.echo(f"\n{count} requests for {users:,} users were built, and none was sent")


def shown(request: Request, url: str) -> str:
    """A request in a few lines: where it goes, how large it is, and what is in it."""
    line = f"{request.method} {url}{request.target}"
    rows = [shorten(line, MOST_TEXT)]
    rows += [
        f"{name}: {value}" for name, value in request.headers if name not in ("Host", "Accept", "User-Agent")
    ]
    if request.body:
        rows.append(shorten(request.body.decode(errors="replace"), MOST_TEXT))
    return "\n      ".join(inert(clean(row)) for row in rows)
