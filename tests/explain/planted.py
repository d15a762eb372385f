"""A world with planted causes: who fails is known, and every try is counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from random import Random
from typing import Any

from harness.explain import Seen
from harness.explain.table import url_size
from harness.population import Population

Data = Mapping[str, Any]
Fails = Callable[[Data], bool]


def number(text: Any) -> Decimal | None:
    try:
        found = Decimal(text)
    except (InvalidOperation, TypeError, ValueError):
        return None
    return found if found.is_finite() else None


def odd_amount(data: Data) -> bool:
    amount = number(data["amount"])
    exponent = amount.as_tuple().exponent if amount is not None else 0
    return isinstance(exponent, int) and exponent < -2


FIELDS = [name for name in Population(0).user(0).data if name not in ("id", "uuid")]
CAUSES: dict[str, tuple[Fails, str]] = {
    "apostrophe": (lambda data: "'" in (data["name"] or ""), "name has an apostrophe"),
    "long name": (lambda data: len(data["name"] or "") > 64, "name has 65 or more characters"),
    "emoji": (
        lambda data: any(ord(c) > 0xFFFF for c in data["street"] or ""),
        "street has a 4-byte character (emoji)",
    ),
    "negative": (lambda data: (number(data["amount"]) or 0) < 0, "amount is negative"),
    "decimals": (odd_amount, "amount has 3 or more decimals"),
    "no postcode": (lambda data: data["postcode"] is None, "postcode is missing"),
    "plus": (lambda data: "+" in (data["email"] or ""), "email has the character '+'"),
    "slash": (lambda data: "/" in (data["reference"] or ""), "reference has the character '/'"),
    "kosovo": (lambda data: data["country"] == "XK", "country is 'XK'"),
}
LABELS = ("name.apostrophe", "name.long", "street.emoji", "postcode.missing", "reference.slash")
FIVE = ("apostrophe", "long name", "emoji", "no postcode", "slash")


@dataclass
class World:
    """`fails_well`: how often somebody fails who ought to pass; `passes_ill`: the other way round."""

    causes: Mapping[str, Fails]
    generic: bool = False
    fails_well: float = 0.0
    passes_ill: float = 0.0
    seed: int = 0
    calls: int = 0
    rounds: int = 0
    random: Random = field(init=False)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)

    def one(self, data: Data) -> str:
        name = next((name for name, fails in self.causes.items() if fails(data)), "")
        if not name:
            return "failed: HTTP 500" if self.random.random() < self.fails_well else ""
        if self.random.random() < self.passes_ill:
            return ""
        return "failed: HTTP 500" if self.generic else f"failed: {name}"

    def ask(self, round_of: Sequence[Data]) -> list[str | None]:
        self.calls += len(round_of)
        self.rounds += 1
        return [self.one(data) for data in round_of]

    def seen(self, people: Population, count: int) -> Seen:
        users = people.users(count)
        return Seen(users, [self.one(user.data) for user in users], people.twin)


def url_over(most: int) -> Fails:
    return lambda data: url_size(dict(data), FIELDS) > most
