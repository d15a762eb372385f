"""Names that become files: they stay in the folder they are given, and no link leads out of it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import BinaryIO

from harness.errors import UsageError

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,127}")
_PART = re.compile(r"\w[\w .,+-]{0,150}", re.ASCII)


def sound(name: str, what: str) -> str:
    """A scenario's or run's name that may be a folder's. Raises UsageError."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{what} is {name[:100]!r}",
            expected="small letters, digits, dots, dashes and underscores, at most 128, the first a letter or digit",
            fix="rename it",
        )
    return name


def part(name: str) -> str:
    """A table's or log's name: one file in its own folder. Raises UsageError."""
    if not _PART.fullmatch(name):
        raise UsageError(f"a part of the record is called {name[:100]!r}", expected="one plain file name")
    return name


def open_own(path: Path) -> BinaryIO:
    """Opens a file of a record for reading. Raises OSError for a link: whoever made the record may have laid it."""
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")


def fresh(path: Path) -> Path:
    """A place for a new file: what lies there under that name, a link perhaps, is taken away."""
    path.unlink(missing_ok=True)
    return path


def within(folder: Path, name: str) -> Path:
    """A path below a folder, which may be a link itself (`latest`). Raises UsageError where the way leads through a
    link: what that leads to is not ours."""
    path = folder.resolve() / name
    if path.parent.is_symlink():
        raise UsageError(
            f"{path.parent} is a link", expected="a folder of the run itself", fix="take the link away"
        )
    return path
