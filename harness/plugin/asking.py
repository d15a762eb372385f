"""What a test asks for: its markers and pytest's command line, made into the command line of one rehearsal."""

from __future__ import annotations

import difflib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import NoReturn

import pytest

from harness.errors import UsageError
from harness.model.codes import explanations

FAIL_ON = ("critical", "high", "medium", "never")
INCONCLUSIVE = "inconclusive"
ARGUMENTS = ("scenario", "scales", "fail_on", "seed", "users", "stage", "probes", "budget")


@dataclass(frozen=True)
class Asked:
    """One rehearsal: the words behind `rehearse run`, the folder of its reports, and where it is held."""

    words: tuple[str, ...]
    out: Path
    cwd: Path


@dataclass(frozen=True)
class Allowed:
    """A code that does not fail the test, and why; after `until` it does again."""

    code: str
    reason: str
    until: date | None = None


def asked(item: pytest.Item) -> Asked:
    """The rehearsal that an item's marker names; the command line goes before it."""
    given = _given(item)
    config = item.config
    words = ["run", str(_scenario(item, given["scenario"]))]
    for name in ("seed", "stage", "scales", "users", "probes", "budget"):
        value = config.getoption(f"rehearse_{name}") or given.get(name)
        if value is not None:
            words += [f"--{name}", _joined(value)]
    out = Path(config.getoption("rehearse_out") or config.rootpath / "reports").resolve()
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    return Asked(tuple(words), out / worker if worker else out, config.rootpath)


def check(item: pytest.Item) -> None:
    """Fails the test before its rehearsal is held, where its markers say what cannot be meant."""
    fail_on(item)
    allowed(item)


def fail_on(item: pytest.Item) -> str:
    """The lightest finding that fails the test."""
    chosen = str(_given(item).get("fail_on", "high"))
    if chosen not in FAIL_ON:
        _wrong(item, f"fail_on={chosen!r}", f"one of {', '.join(FAIL_ON)}", _near(chosen, FAIL_ON))
    return chosen


def allowed(item: pytest.Item) -> list[Allowed]:
    """What the item's markers take out of the verdict."""
    return [_allowed(item, marker) for marker in item.iter_markers("rehearsal_allow")]


def _given(item: pytest.Item) -> dict[str, object]:
    marker = item.get_closest_marker("rehearsal")
    if marker is None:
        _wrong(item, "the fixture `rehearsal` and no marker", '@pytest.mark.rehearsal(scenario="...")', "")
    given = dict(zip(ARGUMENTS, marker.args, strict=False)) | dict(marker.kwargs)
    for name in given:
        if name not in ARGUMENTS:
            _wrong(item, f"rehearsal({name}=...)", f"{', '.join(ARGUMENTS)}", _near(name, ARGUMENTS))
    if not given.get("scenario"):
        _wrong(item, "a marker that names no scenario", 'rehearsal(scenario="scenarios/mine.py")', "")
    return given


def _allowed(item: pytest.Item, marker: pytest.Mark) -> Allowed:
    code, reason = str(marker.args[0] if marker.args else ""), str(marker.kwargs.get("reason", ""))
    known = [INCONCLUSIVE, *explanations()]
    if code not in known:
        _wrong(item, f"rehearsal_allow({code!r})", "a finding's code or 'inconclusive'", _near(code, known))
    if not reason.strip():
        _wrong(item, f"rehearsal_allow({code!r}) without a reason", 'reason="..."', "say why it may be so")
    until = marker.kwargs.get("until")
    try:
        return Allowed(code, reason, date.fromisoformat(str(until)) if until else None)
    except ValueError:
        _wrong(item, f"until={until!r}", "a day such as 2027-03-01", "write it so")


def _scenario(item: pytest.Item, given: object) -> str:
    """The scenario as `rehearse run` takes it: from pytest's root folder, or from that of the test."""
    path, colon, name = str(given).partition(":")
    for folder in (item.config.rootpath, item.path.parent):
        if (folder / path).is_file():
            return f"{(folder / path).resolve()}{colon}{name}"
    return str(given)


def _joined(value: object) -> str:
    return (
        ",".join(map(str, value))
        if isinstance(value, Sequence) and not isinstance(value, str)
        else str(value)
    )


def _near(word: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else ""


def _wrong(item: pytest.Item, seen: str, expected: str, fix: str) -> NoReturn:
    pytest.fail(str(UsageError(f"{item.nodeid} has {seen}", expected=expected, fix=fix)), pytrace=False)
