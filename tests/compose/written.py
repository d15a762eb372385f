"""Compose files written on the spot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from textwrap import dedent, indent

from harness.compose import ComposeFile, ComposeService, read


def project(folder: Path, text: str, **files: str) -> Path:
    """A project with a compose file in it; `files` by name, dots as `__`."""
    (folder / "pyproject.toml").touch()
    for name, content in files.items():
        path = folder / name.replace("__", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    (folder / "compose.yaml").write_text(dedent(text))
    return folder / "compose.yaml"


def whole(folder: Path, text: str, allow: Sequence[str] = (), **environ: str) -> ComposeFile:
    """A compose file, read."""
    return read(project(folder, text), folder, allow=allow, environ=environ)


def one(folder: Path, text: str, allow: Sequence[str] = (), **environ: str) -> ComposeService:
    """One service `web` of image `web:1` with these keys, read."""
    body = indent(dedent(text), "    ")
    file = f"services:\n  web:\n    image: web:1\n{body}\nvolumes:\n  data:\n"
    return whole(folder, file, allow, **environ).services["web"]
