"""Where a command writes: nothing that has stopped reading may change how the command ends, or hold it up."""

from __future__ import annotations

import os
import select
import sys
from typing import IO

import click
import msgspec
from rich.console import Console

json_option = click.option(
    "--json", "machine", is_flag=True, help="Print one JSON document to stdout, all else to stderr."
)


class Screen(Console):
    """A console whose reader may go away (`| head`): what follows is dropped, the exit code stays."""

    def on_broken_pipe(self) -> None:
        """Rich would end the process with 1, which here means findings."""
        self.quiet = True
        to_nowhere(self.file)


def screen(*, error: bool = False) -> Screen:
    """The console on stdout, or on stderr. NO_COLOR is heeded."""
    return Screen(stderr=error)


def has_room(stream: IO[str]) -> bool:
    """Whether a line can be written without waiting: a pipe that nobody reads fills up."""
    try:
        return bool(select.select([], [stream.fileno()], [], 0)[1])
    except (OSError, ValueError):
        return True


def put(document: bytes) -> None:
    """Writes a document to stdout."""
    try:
        click.echo(document, nl=False)
        sys.stdout.flush()
    except BrokenPipeError:
        to_nowhere(sys.stdout)


def put_json(told: object) -> None:
    """Writes one JSON document to stdout."""
    put(msgspec.json.format(msgspec.json.encode(told), indent=2) + b"\n")


def to_nowhere(stream: object) -> None:
    """Lets further writes, and Python's own last flush, go through."""
    try:
        number = stream.fileno()  # type: ignore[attr-defined]
    except (AttributeError, OSError, ValueError):
        return
    os.dup2(os.open(os.devnull, os.O_WRONLY), number)
