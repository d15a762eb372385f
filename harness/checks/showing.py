"""The command line that shows a finding again."""

from __future__ import annotations

from harness.model.finding import Reproduce
from harness.model.record import Record


def again(record: Record, *words: str) -> Reproduce:
    """The same scenario with as many users as it was rehearsed with, and these words."""
    manifest = record.manifest
    argv = ["rehearse", "run", manifest.source, *words, "--users", str(manifest.usual)]
    return Reproduce(argv, manifest.seed)


def at_scales(record: Record, *scales: int | str) -> Reproduce:
    """The same at these scales alone."""
    return again(record, "--scales", ",".join(map(str, scales)))
