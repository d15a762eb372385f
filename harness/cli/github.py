"""In a GitHub workflow: the runner obeys no line of ours but the annotations, and the step gets its summary."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from harness.model.finding import Verdict
from harness.model.record import Record
from harness.report import github, markdown

MOST_SUMMARY = 1024 * 1024
_later: list[str] = []


@contextmanager
def commands_off() -> Iterator[None]:
    """While this lasts, no line on the log is a command to GitHub's runner: a user's name can be `::error::`.
    The annotations that `tell` has put aside are written behind it. Elsewhere than in a workflow: nothing."""
    if os.environ.get("GITHUB_ACTIONS") != "true":
        yield
        return
    token = secrets.token_hex(16)
    click.echo(f"::stop-commands::{token}", err=True)
    try:
        yield
    finally:
        click.echo(f"\n::{token}::", err=True)
        for line in _later:
            click.echo(line, err=True)
        _later.clear()


def tell(verdict: Verdict, record: Record) -> None:
    """Puts the annotations aside for the end, and adds the summary to the step's, as far as GitHub takes it."""
    if os.environ.get("GITHUB_ACTIONS") != "true":
        return
    _later.extend(github.commands(verdict, record.manifest.source))
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        path = Path(summary)
        room = MOST_SUMMARY - (path.stat().st_size if path.exists() else 0)
        if room > 4096:
            with path.open("ab") as file:
                file.write(markdown.render(verdict, record, min(markdown.MOST_BYTES, room)))
