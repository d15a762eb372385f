"""A spec and a seed become fields. Tables depend on the spec alone and are kept for the next seed."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from functools import lru_cache, partial

from harness.population import accounts, source
from harness.population.coherent import AccountTables, Email, Iban, NamePart, PartTables
from harness.population.fields import Chosen, Constant, Drawn, Field, Own, ShortId, Uuid
from harness.population.grammar import Format, Grammar, Pool, pattern
from harness.population.spec import BUILT_IN, METHODS, Spec
from harness.population.tables import Drawer, Tables

TODAY = date(2026, 1, 1)
"""Ages count from here, so that a birth date is the same next year."""

DOMAINS = ("@example.com", "@example.net", "@example.org")

Key = tuple[tuple[str, ...], source.Providers]


@lru_cache(maxsize=128)
def _tables(locales: tuple[str, ...], method: str, providers: source.Providers) -> Tables:
    return Tables([source.texts(locale, method, providers) for locale in locales])


@lru_cache(maxsize=128)
def _values(locales: tuple[str, ...], method: str, providers: source.Providers) -> Tables | None:
    """Tables of JSON, where the method's values are no text in some locale."""
    found = [source.values(locale, method, providers) for locale in locales]
    if not any(found):
        return None
    return Tables(
        [
            grammar or _as_json(locale, method, providers)
            for grammar, locale in zip(found, locales, strict=True)
        ]
    )


def _as_json(locale: str, method: str, providers: source.Providers) -> Grammar:
    values = [source.native(value) for value in source.sample(locale, method, providers)]
    return source.pooled([source.fragment(value) for value in values])


@lru_cache(maxsize=128)
def _accounts(locales: tuple[str, ...], providers: source.Providers) -> AccountTables:
    found = [accounts.account(locale, providers) for locale in locales]
    return AccountTables(Tables([grammar for _, grammar in found]), [country for country, _ in found])


@lru_cache(maxsize=128)
def _parts(locales: tuple[str, ...], providers: source.Providers, which: str) -> PartTables:
    names = _tables(locales, METHODS["name"], providers)
    if which == "first":
        return PartTables(names, which, lambda text: text.partition(" ")[0])
    return PartTables(names, which, lambda text: text.rpartition(" ")[2])


@lru_cache(maxsize=128)
def _listed(kind: str, low: int, high: int, locales: int) -> Tables:
    """Tables that are the same in every locale."""
    if kind == "birth_date":
        first, last = _years_before(high), _years_before(low)
        days = (last - first).days
        pools: tuple[Pool, ...] = (
            Pool(tuple((first + timedelta(day + 1)).isoformat() for day in range(days))),
        )
    elif kind == "amount":
        pools = (Pool(tuple(map(str, range(low, high)))), *pattern(".##"))
    elif kind == "reference":
        pools = pattern("C-########")
    else:
        pools = (Pool(DOMAINS),)
    return Tables([(Format(pools, 1.0),)] * locales)


def _years_before(years: int) -> date:
    return TODAY.replace(year=TODAY.year - years)


def locale_drawer(spec: Spec) -> Drawer:
    """The locales, to draw one for each user."""
    drawer = Drawer()
    drawer.add(Pool(tuple(spec.locales), tuple(spec.locales.values())))
    drawer.close()
    return drawer


class Compiler:
    """Makes the fields of one spec with one seed; what several need is made once."""

    def __init__(self, spec: Spec, seed: int) -> None:
        self.spec, self.seed = spec, seed
        self.locales, self.providers = tuple(spec.locales), spec.providers
        self.number = ShortId(spec.id_digits)
        self.fields: dict[str, Field] = {}

    def compile(self) -> dict[str, Field]:
        """All fields by name, in the order of the spec."""
        for name in self.spec.fields:
            self.fields[name] = self._field(name)
        return self.fields

    def _field(self, name: str) -> Field:
        chosen = self.spec.own.get(name, name)
        if callable(chosen):
            return Own(name, chosen, self.fields)
        if name in BUILT_IN and name not in self.spec.own:
            return self._built_in(name)
        return self._from_faker(name, chosen)

    def _from_faker(self, name: str, method: str) -> Field:
        tables = _values(self.locales, method, self.providers)
        if tables is not None:
            return Chosen(Drawn(tables, self.seed, name), json.loads)
        return Drawn(_tables(self.locales, method, self.providers), self.seed, name)

    def _built_in(self, name: str) -> Field:
        if name in METHODS:
            return Drawn(_tables(self.locales, METHODS[name], self.providers), self.seed, name)
        makers: dict[str, Callable[[], Field]] = {
            "id": lambda: self.number,
            "uuid": Uuid,
            "locale": lambda: Constant(self.locales),
            "country": lambda: Constant([accounts.country_of(locale) for locale in self.locales]),
            "birth_date": partial(self._listed, name, self.spec.ages),
            "amount": partial(self._listed, name, self.spec.amounts),
            "reference": partial(self._listed, name, (0, 0)),
            "first_name": lambda: self._part("first"),
            "last_name": lambda: self._part("last"),
            "email": self._email,
            "iban": lambda: Iban(_accounts(self.locales, self.providers), self.seed),
        }
        return makers[name]()

    def _listed(self, name: str, limits: tuple[int, int]) -> Drawn:
        return Drawn(_listed(name, *limits, len(self.locales)), self.seed, name)

    def _part(self, which: str) -> NamePart:
        name = Drawn(_tables(self.locales, METHODS["name"], self.providers), self.seed, "name")
        return NamePart(name, _parts(self.locales, self.providers, which))

    def _email(self) -> Email:
        return Email(self._part("first"), self._part("last"), self.number, self._listed("email", (0, 0)))
