"""Builds the images of SCENARIO's services, where their content is new.

\b
rehearse images scenarios/friday_payouts.py
"""

from __future__ import annotations

import time

import click

from harness.cli.budget import Alarm
from harness.cli.screen import json_option, put_json
from harness.loading import load
from harness.model.quantity import parse_duration
from harness.stage import build_images, need_engine


@click.command("images", help=__doc__)
@click.argument("scenario")
@click.option("--budget", default="1h", show_default=True, help="The longest it may take.")
@json_option
def command(scenario: str, budget: str, machine: bool) -> None:
    loaded = load(scenario)
    with Alarm(time.monotonic() + parse_duration(budget, what="--budget")):
        tags = build_images(need_engine(), loaded.scenario, loaded.root)
    for name, tag in tags.items():
        click.echo(f"{name}: {tag}", err=machine)
    if machine:
        put_json(tags)
