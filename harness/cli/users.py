"""Write invented users to a file.

\b
    rehearse users --count 400 --out users.jsonl
    rehearse users --count 400 --scale 10 --seed 7 --edges 0.03 --out users.csv
    rehearse users --count 5 --out -

The same seed gives the same users, byte for byte, on every machine with the same version of Faker. A scale
of 10 keeps the first 400 and adds 3,600.

The ending of --out says the format: .jsonl, .csv or .parquet (which needs pyarrow); "-" is standard output.
In CSV, text that a spreadsheet would run as a formula gets an apostrophe in front; JSON lines hold the plain
values.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from harness.cli.screen import json_option, put_json
from harness.errors import UsageError
from harness.population import Population, Spec
from harness.population.edges import Coverage
from harness.population.ids import DIGITS
from harness.population.spec import DEFAULT_LOCALES
from harness.population.writing import KINDS, Kind, complete_or_absent, explained, write


@click.command("users", help=__doc__)
@click.option("--count", type=int, required=True, help="How many users at 1x.")
@click.option("--scale", type=int, default=1, show_default=True, help="A multiple of --count.")
@click.option("--seed", type=int, default=1, show_default=True, help="Which population.")
@click.option("--out", required=True, help="The file to write, or - for standard output.")
@click.option("--format", "kind", type=click.Choice(KINDS), help="Instead of what the ending of --out says.")
@click.option("--fields", default="", help="Names with commas between; a Faker method's name is one too.")
@click.option(
    "--locale", "locales", multiple=True, help="de_DE, or de_DE=0.3 with a weight; may be repeated."
)
@click.option("--edges", default="0", show_default=True, help="The share of users with an awkward value.")
@click.option("--labels", default="", help="Which awkward values, by the beginning of their labels.")
@click.option("--id-digits", default=DIGITS, show_default=True, help="10 tell ten million users apart.")
@json_option
def command(
    count: int, scale: int, seed: int, out: str, kind: str | None, machine: bool, **choices: Any
) -> None:
    """Writes the users, and tells on standard error what the file holds."""
    total, form = _total(count, scale), _kind(out, kind)
    if machine and out == "-":
        raise UsageError(
            "--json with --out -: both would be on standard output",
            expected="users in a file, and what it holds as JSON",
            fix="give --out a file, or leave --json out: the users are JSON lines already",
        )
    population = Population(seed, _spec(**choices))
    with _progress(total) as told:
        if out == "-":
            note = _to_standard_output(population, total, form, told)
        else:
            with complete_or_absent(Path(out)) as file:
                note = write(population, total, file, form, told)
    click.echo(f"{total:,} users of seed {seed} written to {out}", err=True)
    if population.made_of.edges:
        click.echo(_shown(population.coverage(total)), err=True)
    if note:
        click.echo(note, err=True)
    if machine:
        put_json({"out": out, "format": form, "users": total, "seed": seed, "note": note})


def _to_standard_output(population: Population, total: int, form: Kind, told: Callable[[int], None]) -> str:
    """Writes to standard output; a reader that has had enough (`head`) is no failure."""
    try:
        with explained("standard output"):
            note = write(population, total, sys.stdout.buffer, form, told)
            sys.stdout.buffer.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ""
    return note


def _shown(coverage: Coverage) -> str:
    return (
        f"{coverage.awkward:,} of them carry awkward values: "
        f"{coverage.singles} of {coverage.all_singles} labels and "
        f"{coverage.pairs:,} of {coverage.all_pairs:,} pairs "
        f"({coverage.enough or 0:,} users would show all)"
    )


def _total(count: int, scale: int) -> int:
    if count < 0:
        raise UsageError(f"--count {count}", expected="0 or more users")
    if scale < 1:
        raise UsageError(f"--scale {scale}", expected="1 or more")
    return count * scale


def _spec(fields: str, locales: tuple[str, ...], edges: str, labels: str, id_digits: int) -> Spec:
    return Population.spec(
        *_names(fields),
        locales=dict(map(_weighted, locales)) or DEFAULT_LOCALES,
        edges=edges,
        labels=_names(labels),
        id_digits=id_digits,
    )


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _weighted(text: str) -> tuple[str, float]:
    locale, _, weight = text.partition("=")
    try:
        return locale, float(weight or 1)
    except ValueError:
        raise UsageError(f"--locale {text}", expected="a locale and a number, such as de_DE=0.3") from None


def _kind(out: str, kind: str | None) -> Kind:
    ending = Path(out).suffix.removeprefix(".").lower()
    chosen: str = kind or ("jsonl" if out == "-" else ending)
    if chosen not in KINDS:
        raise UsageError(
            f"--out {out}",
            expected="a name that ends in .jsonl, .csv or .parquet",
            fix="rename it, or say --format jsonl",
        )
    return chosen


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    """A bar on standard error, where that is a terminal."""
    columns = (TextColumn("users"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task("users", total=total)
        yield lambda done: bar.update(task, completed=done)
