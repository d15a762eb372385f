"""Why some users fail: what the live half found out, as the record keeps it."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

About = Literal["data", "place"]
"""A user's own data, or their place in the batch."""


class Difference(Struct, frozen=True):
    """One field in which the failing user differs from the passing one it was held against."""

    field: str
    passes: Any
    fails: Any


class Cause(Struct, frozen=True, kw_only=True):
    """One reason for which users fail.

    sentence         "users whose name has a non-ASCII letter fail"
    key              what it is about, without numbers: the same over seeds and stages
    signature        how they fail
    such, failing    users of the run of whom it is true, and how many of these failed
    failures         all that failed, of whatever reason; `explained` of them had no other reason found before
    index, labels    the example, as population.user(index, labels) makes it
    example, passing the example's data, and the data of the passing user it was held against (often its own twin)
    smallest         the passing user with just `diff` changed: it fails
    reproduced, tries how often the example failed again, and was tried
    removed          the example without it passes; injected: ordinary users fail with it (None: not asked)
    calls            single tries that this cause took
    """

    sentence: str
    key: str
    about: About
    fields: list[str]
    signature: str
    such: int
    failing: int
    explained: int
    failures: int
    index: int
    labels: list[str]
    example: dict[str, Any]
    passing: dict[str, Any] = {}
    smallest: dict[str, Any] = {}
    diff: list[Difference] = []
    reproduced: int = 0
    tries: int = 0
    removed: bool | None = None
    injected: bool | None = None
    calls: int = 0

    @property
    def confirmed(self) -> bool:
        """Both ways: without it they pass, with it they fail."""
        return self.removed is True and self.injected is True
