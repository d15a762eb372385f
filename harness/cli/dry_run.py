"""`rehearse run --stage attach --dry-run`: every request that would be sent, on stdout, and none is."""

from __future__ import annotations

import click

from harness.attaching import dry_steps
from harness.cli.screen import put_json
from harness.drive.messages import Request
from harness.loading import Loaded
from harness.model.redaction import clean
from harness.population import Population
from harness.report.text import inert, plural, shorten
from harness.stage.attach import Site

MOST_TEXT = 600


def show_dry_run(loaded: Loaded, site: Site, users: int, seed: int, *, machine: bool) -> None:
    """Prints the requests step by step, as they would be built for these users; as one JSON document for a
    machine."""
    steps = []
    count = 0
    people = Population(seed, loaded.scenario.population).users(users)
    for name, place in site.places.items():
        click.echo(f"{name}: {place.url}, pinned to {place.address}", err=machine)
    for step in dry_steps(loaded, site, people):
        click.echo(f"\n{inert(step.what)}", err=machine)
        requests = [shown(request, site.places[request.service].url) for request in step.requests]
        count += len(requests)
        for text in requests:
            click.echo(f"  {text}", err=machine)
        steps.append({"what": step.what, "requests": requests, "why_no_more": step.why_no_more})
        if step.why_no_more:
            click.echo(f"  ... {inert(step.why_no_more)}", err=machine)
    built = f"{plural(count, 'request')} for {plural(users, 'user')}"
    click.echo(f"\nbuilt {built}: none was sent", err=machine)
    if machine:
        places = {name: {"url": place.url, "address": place.address} for name, place in site.places.items()}
        put_json({"places": places, "steps": steps, "users": users, "requests": count, "sent": 0})


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
