"""Spec: what the users of a scenario are made of. One declaration, read by all that make users from it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from harness.errors import UsageError
from harness.population import ids, source

DEFAULT_LOCALES: Mapping[str, float] = MappingProxyType(
    {"en_US": 0.70, "en_GB": 0.16, "de_DE": 0.08, "fr_FR": 0.06}
)
"""About 1 name in 20 has a letter that is not ASCII."""

STANDARD = (
    "id", "name", "email", "phone", "street", "city", "postcode", "country",
    "birth_date", "iban", "amount", "reference", "locale",
)  # fmt: skip
METHODS = MappingProxyType(
    {
        "name": "name",
        "phone": "phone_number",
        "street": "street_address",
        "city": "city",
        "postcode": "postcode",
    }
)
"""The built-in fields that are a Faker method's, and which."""

BUILT_IN = (*STANDARD, "uuid", "first_name", "last_name")

OwnField = str | Callable[[Any], Any]


@dataclass(frozen=True)
class Spec:
    """What users are made of; with a seed it is a population.

    fields     names in the order they are written: built in, a Faker method's name, or one of `own`
    locales    Faker locales and their weights; a user has one, and all fields follow it
    own        the author's fields: a function of the user so far, or the name of a Faker method
    edges      the share of users with an awkward value, 0 to 1
    labels     which awkward values: prefixes of their labels ("name", "iban.spaces"); none given means all
    ages       in years on the day of reference, 2026-01-01: from, up to and without
    amounts    whole units of money: from, up to and without
    id_digits  7 digits are enough for a million users, 10 for ten million
    providers  Faker providers of the author's
    """

    fields: tuple[str, ...] = STANDARD
    locales: Mapping[str, float] = field(default_factory=lambda: DEFAULT_LOCALES)
    own: Mapping[str, OwnField] = field(default_factory=dict)
    edges: Fraction = Fraction(0)
    labels: tuple[str, ...] = ()
    ages: tuple[int, int] = (18, 90)
    amounts: tuple[int, int] = (5, 2_500)
    id_digits: int = ids.DIGITS
    providers: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        check_locales(self.locales, self.providers)
        for name in self.fields:
            self._check_field(name)
        if len(set(self.fields)) < len(self.fields):
            raise UsageError(f"a field is named twice: {', '.join(self.fields)}", fix="name each field once")
        taken = {"index", "edges", "data"} & set(self.fields)
        if taken:
            raise UsageError(
                f"a field cannot be called {taken.pop()}",
                expected="another name",
                cause="user.index, user.edges and user.data are the user's own",
            )
        if not 0 <= self.edges <= 1:
            raise UsageError(
                f"edges={float(self.edges):g}", expected="a share between 0 and 1", fix="3 % is edges=0.03"
            )
        if not 7 <= self.id_digits <= 12:
            raise UsageError(f"id_digits={self.id_digits}", expected="7 to 12 digits")
        for name, (low, high), most in (("ages", self.ages, 150), ("amounts", self.amounts, 1_000_000)):
            if not 0 <= low < high <= most:
                raise UsageError(f"{name}=({low}, {high})", expected=f"two numbers, rising, from 0 to {most}")

    def _check_field(self, name: str) -> None:
        chosen = self.own.get(name, METHODS.get(name, name))
        if callable(chosen) or (name in BUILT_IN and name not in self.own and name not in METHODS):
            return
        missing = [place for place in self.locales if not source.has_method(place, chosen, self.providers)]
        if not missing:
            return
        known = dict.fromkeys([*BUILT_IN, *dir(source.generator(missing[0], self.providers))])
        near = difflib.get_close_matches(chosen, known, n=3)
        raise UsageError(
            f"unknown field {name!r}: Faker has no {chosen}() in locale {missing[0]}",
            expected=f"one of {', '.join(BUILT_IN)}, or a method of Faker's",
            fix=f"did you mean {', '.join(near)}?" if near else "give a function: name=lambda user: ...",
        )

    def describe(self) -> dict[str, object]:
        """The spec as plain data, for the record of a rehearsal."""
        own = {name: chosen if isinstance(chosen, str) else "function" for name, chosen in self.own.items()}
        return {
            "fields": list(self.fields),
            "locales": dict(self.locales),
            "own": own,
            "edges": str(self.edges),
            "labels": list(self.labels),
            "ages": list(self.ages),
            "amounts": list(self.amounts),
            "id_digits": self.id_digits,
        }

    def __reduce__(self) -> tuple[Any, ...]:
        values = (self.fields, dict(self.locales), dict(self.own), self.edges, self.labels)
        return Spec, (*values, self.ages, self.amounts, self.id_digits, self.providers)


def check_locales(locales: Mapping[str, float], providers: tuple[Any, ...]) -> None:
    """Every locale is known and has a weight."""
    for locale in locales:
        source.generator(locale, providers)
    if not locales or any(not 0 < weight < float("inf") for weight in locales.values()):
        raise UsageError(f"locales={dict(locales)}", expected="at least one, each with a weight over 0")


def as_share(edges: float | str | Fraction) -> Fraction:
    """A rate as an exact fraction: 0.03 is 3 in 100."""
    try:
        return Fraction(str(edges)).limit_denominator(1_000_000)
    except (ValueError, ZeroDivisionError):
        raise UsageError(f"edges={edges!r}", expected="a share between 0 and 1, such as 0.03") from None


def as_locales(locales: str | Sequence[str] | Mapping[str, float]) -> dict[str, float]:
    """One locale, several alike, or each with its weight."""
    if isinstance(locales, Mapping):
        return dict(locales)
    return dict.fromkeys([locales] if isinstance(locales, str) else locales, 1.0)


def spec(
    *fields: str,
    locales: str | Sequence[str] | Mapping[str, float] = DEFAULT_LOCALES,
    edges: float | str | Fraction = 0,
    labels: str | Sequence[str] = (),
    ages: tuple[int, int] = (18, 90),
    amounts: tuple[int, int] = (5, 2_500),
    id_digits: int = ids.DIGITS,
    providers: Sequence[Any] = (),
    **own: OwnField,
) -> Spec:
    """What users are made of, in a line.

    ::

        Population.spec(edges=0.03)                                       # the standard fields, 3 % awkward
        Population.spec("id", "name", "iban", locales="de_DE")            # three fields, all German
        Population.spec(employer="company", grade=lambda user: user.random.randint(1, 9))

    Fields named first are chosen (none named: the standard ones), those given with ``=`` are added: a Faker
    method's name, or a function of the user so far (``user["name"]``, ``user.index``, ``user.random``).
    """
    chosen = fields or STANDARD
    return Spec(
        fields=(*chosen, *(name for name in own if name not in chosen)),
        locales=as_locales(locales),
        own=own,
        edges=as_share(edges),
        labels=(labels,) if isinstance(labels, str) else tuple(labels),
        ages=ages,
        amounts=amounts,
        id_digits=id_digits,
        providers=tuple(providers),
    )
