"""Kept runs, and tables in Markdown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def load(folder: Path) -> list[dict[str, Any]]:
    """The kept runs of one cell."""
    return [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]


def table(head: str, rows: list[list[object]]) -> Iterator[str]:
    """A Markdown table."""
    names = head.split("|")
    yield "| " + " | ".join(names) + " |"
    yield "|" + " --- |" * len(names)
    for row in rows:
        yield "| " + " | ".join(str(value) for value in row) + " |"
    yield ""
