"""Builds the images of SCENARIO's services, where their content is new.

\b
rehearse images scenarios/friday_payouts.py
"""

from __future__ import annotations

import click

from harness.loading import load
from harness.stage import build_images, need_engine


@click.command("images", help=__doc__)
@click.argument("scenario")
def command(scenario: str) -> None:
    loaded = load(scenario)
    for name, tag in build_images(need_engine(), loaded.scenario, loaded.root).items():
        click.echo(f"{name}: {tag}")
