"""Failing cases as JSON in the project: they are tried first the next time."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from harness.errors import UsageError
from harness.model.finding import fingerprint
from harness.model.names import fresh
from harness.model.redaction import SECRETS


class Case(Struct, frozen=True, kw_only=True):
    """One distinct cause and the smallest thing that shows it.

    sentence  what fails, in a line
    verdict   the checker's word on the user, or on one of the flow's users
    data      kind user: the user; `passing` is one that differs only in the cause
    steps     kind flow: what is done, in order, with `users` users
    """

    kind: Literal["user", "flow"]
    sentence: str
    verdict: str
    data: dict[str, Any] = {}
    passing: dict[str, Any] = {}
    steps: list[str] = []
    users: int = 0

    @property
    def name(self) -> str:
        """Its file's name: the same cause has the same one."""
        about = [*self.steps] if self.kind == "flow" else [self.sentence]
        return f"{self.kind}-{fingerprint(self.verdict, *about)}.json"


def save(folder: Path, case: Case) -> Path:
    """Writes the case, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / case.name
    partial = path.with_name(f".{path.name}.partial")
    fresh(partial).write_bytes(
        SECRETS.mask_bytes(msgspec.json.format(msgspec.json.encode(case), indent=2)) + b"\n"
    )
    partial.replace(path)
    return path


def load_cases(folder: Path) -> list[Case]:
    """The cases saved there, by name. Raises UsageError for a file that is none."""
    cases = []
    for path in sorted(folder.glob("*.json")):
        try:
            cases.append(msgspec.json.decode(path.read_bytes(), type=Case))
        except (OSError, msgspec.DecodeError) as problem:
            raise UsageError(
                f"{path} is no saved case: {problem}",
                expected="a file that `rehearse fuzz` wrote",
                fix="mend it, or remove it",
            ) from problem
    return cases
