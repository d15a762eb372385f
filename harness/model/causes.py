"""Why some users fail: what the live half found out, as the record keeps it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Literal

from msgspec import Struct

from harness.model.event import Event
from harness.model.finding import fingerprint

CARD, TURN = "ITEM-010", "ITEM-022"
"""The codes of causes in users' data, and in their turn."""

SHORTEST_VALUE = 4
_MASKS = (
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.I), "<uuid>"),
    (re.compile(r"\b0x[0-9a-f]+\b", re.I), "<address>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?Z?)?\b"), "<time>"),
    (re.compile(r"'[^']*'|\"[^\"]*\""), "<value>"),
    (re.compile(r"\b(?=\w*\d)[0-9a-f]{12,}\b", re.I), "<hex>"),
    (re.compile(r"\b\d{4,}\b|\d+\.\d+"), "<number>"),
)

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


class CauseFound(Event, frozen=True, kw_only=True, tag="cause_found"):
    """Why some users fail. `service` the batch is at; `item` is the example's id in the run; `requests` are
    curl lines of the tries that carried such a user."""

    scale: int
    service: str
    item: str
    cause: Cause
    requests: list[str]

    @property
    def finding(self) -> str:
        """The id of its finding."""
        return fingerprint(CARD if self.cause.about == "data" else TURN, self.service, self.cause.key)

    @property
    def test(self) -> str:
        """Where its test stands in the run's folder."""
        return f"causes/test_{CARD.replace('-', '_').lower()}_{self.finding}.py"


class Inquired(Event, frozen=True, kw_only=True, tag="inquired"):
    """The users who failed at `scale` were looked into: `unexplained` of `failures` have no cause. Of these,
    `tried_alone` were tried again on their own and `passed_alone` of them passed. `spent`: the calls ran out."""

    scale: int
    failures: int
    unexplained: int
    tried_alone: int
    passed_alone: int
    calls: int
    seconds: float
    spent: bool


Inquiry = CauseFound | Inquired


def signature(said: str, detail: str, values: Iterable[object] = ()) -> str:
    """One word and text for failures that are alike: `values` are the user's own, which are left out, as are
    numbers of four digits and more, quoted text, ids and times. A status of three digits stays."""
    own = sorted({str(value) for value in values if len(str(value)) >= SHORTEST_VALUE}, key=len, reverse=True)
    for value in own:
        detail = detail.replace(value, "<value>")
    for pattern, mask in _MASKS:
        detail = pattern.sub(mask, detail)
    return f"{said}: {' '.join(detail.split())[:160]}".rstrip(": ")
