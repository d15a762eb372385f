"""The long text behind each code of a finding: `rehearse explain URL-001`. The texts stand in `data/codes.toml`."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources

import msgspec
from msgspec import Struct


class Explanation(Struct, frozen=True, kw_only=True):
    """What one code means.

    title    one line
    text     what was seen when this code is given, and how it was told from its neighbours
    cause    what usually lies behind
    remedy   what to change, and what that runs into
    """

    code: str
    title: str
    text: str
    cause: str
    remedy: str


def explain(code: str) -> Explanation | None:
    """The text for `code` ("URL-001", in any case of letters), or None where there is none."""
    return explanations().get(code.strip().upper())


@cache
def explanations() -> dict[str, Explanation]:
    """All texts by code, in the order of the file."""
    text = resources.files("harness.model").joinpath("data", "codes.toml").read_text("utf-8")
    raw = tomllib.loads(text)
    return {code: msgspec.convert({"code": code, **entry}, Explanation) for code, entry in raw.items()}
