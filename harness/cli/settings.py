"""Where an option's value comes from: the flag, else REHEARSE_<OPTION>, else [tool.rehearse] in pyproject.toml.

    [tool.rehearse]                 for every command that holds or judges rehearsals and has such an option
    scales = [1, 2, 5, 10]
    fail-on = "medium"

    [tool.rehearse.run]             for that command alone
    budget = "1h30m"

The pyproject.toml is the nearest one upwards from where the command is called.
"""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path
from typing import Any

import click

from harness.errors import UsageError

PREFIX = "REHEARSE"
known: dict[str, set[str]] = {}
"""The options of each command that heeds settings."""


class Configured(click.Command):
    """A command whose options may be set outside the command line."""

    def __init__(self, *words: Any, **more: Any) -> None:
        more["context_settings"] = {**more.get("context_settings", {}), "auto_envvar_prefix": PREFIX}
        super().__init__(*words, **more)
        known[self.name or ""] = set(_names(self))

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """The context, with the file's values as defaults."""
        extra["default_map"] = {**settings_of(self), **(extra.get("default_map") or {})}
        return super().make_context(info_name, args, parent, **extra)


def settings_of(command: click.Command) -> dict[str, Any]:
    """The file's values for this command, by parameter. Raises UsageError for what no command knows."""
    path = _nearest(Path.cwd())
    if path is None:
        return {}
    table = _table(path)
    own = _as_table(path, table.get(command.name or "", {}), f".{command.name}")
    shared = {name: value for name, value in table.items() if name not in known}
    _check(path, shared, set().union(*known.values()))
    for name in known:
        _check(path, table.get(name, {}), known[name], f".{name}")
    parameters = _names(command)
    return {
        parameters[name]: _plain(value) for name, value in {**shared, **own}.items() if name in parameters
    }


def _nearest(folder: Path) -> Path | None:
    return next(
        (f / "pyproject.toml" for f in (folder, *folder.parents) if (f / "pyproject.toml").is_file()), None
    )


def _table(path: Path) -> dict[str, Any]:
    try:
        tool = tomllib.loads(path.read_text("utf-8")).get("tool", {})
    except (OSError, ValueError) as problem:
        raise UsageError(
            f"{path} cannot be read: {problem}",
            expected="a TOML file, perhaps with a table [tool.rehearse]",
            fix="mend it",
        ) from problem
    table = tool.get("rehearse", {})
    return _as_table(path, table, "")


def _as_table(path: Path, table: Any, below: str) -> dict[str, Any]:
    if not isinstance(table, dict):
        raise UsageError(
            f"{path}: tool.rehearse{below} is {table!r}", expected="a table of options", fix="write it so"
        )
    return {name.replace("_", "-"): value for name, value in table.items()}


def _check(path: Path, table: Any, options: set[str], below: str = "") -> None:
    for name in _as_table(path, table, below):
        if name not in options:
            near = difflib.get_close_matches(name, sorted({*options, *known}), n=1, cutoff=0.5)
            raise UsageError(
                f"{path}: [tool.rehearse{below}] has {name!r}, which is no option",
                expected=f"one of {', '.join(sorted(options))}",
                fix=f"did you mean {near[0]!r}?" if near else "take it out",
            )


def _names(command: click.Command) -> dict[str, str]:
    """The parameters of a command's options, by the names that stand on the command line."""
    return {
        flag.removeprefix("--"): parameter.name or ""
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for flag in parameter.opts
        if flag.startswith("--")
    }


def _plain(value: Any) -> Any:
    return ",".join(map(str, value)) if isinstance(value, list) else value
