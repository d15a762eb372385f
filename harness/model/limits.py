"""The catalogue of limits: what known software takes at most, in its own unit, and where that is set.

The data stand in `data/limits.json` (216 records) and `data/signatures.json`. Each record keeps the versions it
holds for, its source, and, where it was measured, on which version.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import Literal

import msgspec
from msgspec import Struct

from harness.model.answer import Answer

Effect = Literal["refused", "silent", "soft", "reset", "closed", "redirected", "none"]
Meaning = Literal[
    "size",
    "csrf",
    "origin",
    "login",
    "waf",
    "rate",
    "access",
    "host",
    "silent",
    "error",
    "down",
    "missing",
    "identity",
]


class Limit(Struct, frozen=True, kw_only=True):
    """One limit of one piece of software.

    kind         line, header (one of them), head (all), headers (how many), body, form_bytes, field_bytes, fields,
                 parts, files, file_bytes (one file), nesting; others are kept for reading: security, rate, ...
    unit         what is counted, see `harness.model.request.measure`; "arrival": bytes that have come when a
                 read ends inside the head, so the limit depends on how packets arrive
    value        the largest size that passes, as measured where `measured_on` is set; None: there is no limit
    default      the documented default in the words of the configuration
    effect       what the surplus meets: refused (with one of `statuses`), silent (200 and items missing), soft
    measured_on  the version it was measured on; empty where `source` is all we have
    """

    software: str
    versions: str
    kind: str
    unit: str
    value: int | None
    default: str
    config_key: str
    effect: Effect
    statuses: list[int]
    measured_on: str
    source: str
    note: str = ""


class Signature(Struct, frozen=True, kw_only=True):
    """How one kind of refusal can be told from its answer. Every condition that is given must hold.

    software   names in the catalogue, the likeliest first
    meaning    what the refusal is about; "identity": no refusal, it only tells who answers
    kinds      kinds of limits this answer speaks of; empty: any
    status     the status; 0: any
    body       a regular expression found in the answer's body; "^$" stands for an empty body
    header     (name, regular expression) found in a header; a name with "!" before it must be absent
    framework  said by the application and not by a server or proxy before it
    """

    software: list[str]
    meaning: Meaning = "size"
    kinds: list[str] = []
    status: int = 0
    body: str = ""
    header: list[tuple[str, str]] = []
    framework: bool = False

    def fits(self, answer: Answer) -> bool:
        """Whether `answer` looks like this."""
        if self.status and answer.status != self.status:
            return False
        if self.body == "^$" and answer.body_length:
            return False
        if self.body and self.body != "^$" and not re.search(self.body, answer.text):
            return False
        return all(_header_fits(answer, name, pattern) for name, pattern in self.header)


def _header_fits(answer: Answer, name: str, pattern: str) -> bool:
    if name.startswith("!"):
        return not answer.header(name[1:])
    return re.search(pattern, answer.header(name)) is not None


@cache
def catalogue() -> tuple[Limit, ...]:
    """All records, in the order of the file."""
    return tuple(msgspec.json.decode(_data("limits.json"), type=list[Limit]))


@cache
def signatures() -> tuple[Signature, ...]:
    """All signatures, the most telling first."""
    return tuple(msgspec.json.decode(_data("signatures.json"), type=list[Signature]))


def recognise(answer: Answer) -> list[Signature]:
    """The signatures that fit `answer`, the most telling first; empty where nobody is recognised."""
    if answer.status is None:
        return []
    return [signature for signature in signatures() if signature.fits(answer)]


def identify(answer: Answer) -> list[str]:
    """Who may have written `answer`: the names that fit, the likeliest first; a bare answer names nobody."""
    telling = [
        s for s in recognise(answer) if s.meaning == "identity" or s.body not in ("", "^$") or _says(s)
    ]
    return [name for signature in telling for name in signature.software]


def _says(signature: Signature) -> bool:
    """Whether one of its headers must be present, other than by being absent."""
    return any(
        not name.startswith("!") and name not in ("Connection", "Date") for name, _ in signature.header
    )


def _data(name: str) -> bytes:
    return resources.files("harness.model").joinpath("data", name).read_bytes()
