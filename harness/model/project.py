"""Where a project is: paths in its scenarios are relative to its folder."""

from __future__ import annotations

from pathlib import Path


def project_root(source: Path) -> Path:
    """The nearest folder above a scenario file that has a pyproject.toml or .git; else the file's own folder's."""
    for folder in source.parents:
        if (folder / "pyproject.toml").exists() or (folder / ".git").exists():
            return folder
    return source.parent.parent if source.parent.name == "scenarios" else source.parent
