"""Secrets: values that a scenario takes from the environment or a file, and that no artefact may show."""

from __future__ import annotations

import os
from pathlib import Path

from harness.errors import UsageError
from harness.model.redaction import SECRETS, SHORTEST


class Secret:
    """A value that is never written down: `Secret.env("STAGING_PASSWORD")`, `Secret.file("/run/secrets/db")`.

    It is read when it is needed. Printed, it says where it comes from, not what it is. A service's `env` and the
    headers, fields and JSON of a request take it as it is; `reveal()` gives the text to whatever else needs it.
    """

    def __init__(self, kind: str, where: str) -> None:
        self._kind, self._where = kind, where

    @classmethod
    def env(cls, name: str) -> Secret:
        """The value of an environment variable of the one who rehearses."""
        return cls("env", name)

    @classmethod
    def file(cls, path: str | Path) -> Secret:
        """The content of a file, without the line break at its end."""
        return cls("file", str(path))

    def __repr__(self) -> str:
        return f"Secret.{self._kind}({self._where!r})"

    def reveal(self) -> str:
        """The value; from now on every artefact of this process has it masked. Raises UsageError."""
        value = os.environ.get(self._where, "") if self._kind == "env" else self._read()
        if len(value) < SHORTEST:
            raise UsageError(
                f"{self!r} is {'empty or not set' if not value else f'only {len(value)} characters long'}",
                expected=f"{SHORTEST} characters or more: what is shorter cannot be masked in reports",
                fix=f"set {self._where}" if self._kind == "env" else f"write the secret into {self._where}",
            )
        SECRETS.add(value)
        return value

    def _read(self) -> str:
        try:
            return Path(self._where).read_text().rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as problem:
            raise UsageError(
                f"{self!r} cannot be read: {problem}", expected="a text file with the secret in it"
            ) from problem


def plain(value: object) -> str:
    """A value as it goes into an environment or a request: a secret revealed, all else as text."""
    return value.reveal() if isinstance(value, Secret) else str(value)
