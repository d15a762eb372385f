"""All awkward values, and the choice among them."""

from __future__ import annotations

from collections.abc import Collection

from harness.errors import UsageError
from harness.population.edges.contacts import EMAILS, PHONES
from harness.population.edges.figures import ACCOUNTS, AMOUNTS, DATES, REFERENCES
from harness.population.edges.label import Label
from harness.population.edges.names import NAMES
from harness.population.edges.places import CITIES, COUNTRIES, POSTCODES, STREETS

CATALOGUE: tuple[Label, ...] = (
    *NAMES, *EMAILS, *PHONES, *STREETS, *CITIES, *POSTCODES, *COUNTRIES,
    *DATES, *AMOUNTS, *ACCOUNTS, *REFERENCES,
)  # fmt: skip

BY_NAME = {label.name: label for label in CATALOGUE}


def chosen(prefixes: Collection[str], fields: Collection[str]) -> tuple[Label, ...]:
    """The labels on these fields that begin with one of the prefixes; all, if there are none."""
    for prefix in prefixes:
        if not any(label.name.startswith(prefix) for label in CATALOGUE):
            raise UsageError(
                f"unknown label {prefix!r}",
                expected="the beginning of a label, such as name or iban.spaces",
                fix=f"the families are {', '.join(sorted({label.field for label in CATALOGUE}))}",
            )
    return tuple(
        label
        for label in CATALOGUE
        if label.field in fields and (not prefixes or label.name.startswith(tuple(prefixes)))
    )


def named(names: Collection[str], fields: Collection[str]) -> tuple[Label, ...]:
    """The labels of exactly these names, one for each field at most."""
    for name in names:
        if name not in BY_NAME or BY_NAME[name].field not in fields:
            raise UsageError(
                f"label {name!r} does not fit these users",
                expected=f"a label of the catalogue on one of the fields {', '.join(fields)}",
            )
    found = tuple(BY_NAME[name] for name in names)
    if len({label.field for label in found}) < len(found):
        raise UsageError(f"two labels on one field: {', '.join(names)}", expected="one for each field")
    return found
