"""Fields that follow from others: the parts of the name, the e-mail address made of them, the IBAN."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np
from faker.decode import unidecode

from harness.population.columns import Text
from harness.population.fields import Drawn, ShortId
from harness.population.rows import Row, Rows
from harness.population.tables import Draw, Draws, Keys, Plate, Tables, needs_no_escape, plate_of
from harness.population.words import Places

LONGEST_SLUG = 20
OTHER = re.compile("[^a-z0-9]+")


def slug(text: str) -> str:
    """A name as it is written in front of an @: Latin letters and digits, never empty."""
    letters = text if text.isascii() else unidecode(text)
    return OTHER.sub("", letters.lower())[:LONGEST_SLUG] or "user"


class PartTables:
    """Where each format of the name has one part, given or family, and that part's spellings.

    A name whose format does not tell its parts (a sampled one) is split at its first or last space.
    """

    def __init__(self, tables: Tables, tag: str, split: Callable[[str], str]) -> None:
        self.slot_of_form = [self._slot(tables, form, tag) for form in range(tables.count)]
        self.used = sorted(set(self.slot_of_form))
        self.bases: dict[int, int] = {}
        self.texts: list[str] = []
        for at in self.used:
            slot = tables.slots[at]
            self.bases[at] = len(self.texts)
            tagged = zip(slot.texts, slot.tags, strict=True)
            self.texts += [text if kind.startswith(tag) else split(text) for text, kind in tagged]
        self.slugs = list(map(slug, self.texts))
        self.plate, self.slug_plate = plate_of(self.texts), plate_of(self.slugs)
        self.plain = needs_no_escape("".join(self.texts))

    @staticmethod
    def _slot(tables: Tables, form: int, tag: str) -> int:
        tags = [slot.tags[base] for slot, (base, _) in zip(tables.slots, tables.layout[form], strict=True)]
        fitting = [at for at, kind in enumerate(tags) if kind.startswith(tag)]
        named = [at for at, kind in enumerate(tags) if "name" in kind]
        varied = [at for at, (_, size) in enumerate(tables.layout[form]) if size > 1]
        return (fitting or named or varied or [0])[0]

    def place(self, drawn: Draw) -> int:
        """Which of all spellings one user has."""
        slot = self.slot_of_form[drawn.form]
        return self.bases[slot] + drawn.places[slot]

    def places(self, drawn: Draws) -> Places:
        """Which of all spellings each user has."""
        found = drawn.places[self.used[0]] + self.bases[self.used[0]]
        if len(self.used) > 1:
            slots = np.array(self.slot_of_form).take(drawn.forms)
            for slot in self.used[1:]:
                found = np.where(slots == slot, drawn.places[slot] + self.bases[slot], found)
        return found


class NamePart:
    """One part of the drawn name, and its slug."""

    def __init__(self, name: Drawn, tables: PartTables) -> None:
        self._name, self._tables = name, tables

    def value(self, row: Row) -> str:
        """The part for one user."""
        return self._tables.texts[self._tables.place(self._name.draw(row))]

    def column(self, rows: Rows) -> Text:
        """The parts for many users."""
        places = self._tables.places(self._name.draws(rows))
        return Text(self._tables.plate.take(places, axis=0), self._tables.plain)

    def slug(self, row: Row) -> str:
        """The part as it stands in an e-mail address."""
        return self._tables.slugs[self._tables.place(self._name.draw(row))]

    def slugs(self, rows: Rows) -> Plate:
        """The parts as they stand in e-mail addresses."""
        return self._tables.slug_plate.take(self._tables.places(self._name.draws(rows)), axis=0)


class Email:
    """``mary.smith.4821937@example.org``: from the name, unique by the id, at a domain nobody has."""

    def __init__(self, given: NamePart, family: NamePart, number: ShortId, domain: Drawn) -> None:
        self._given, self._family, self._number, self._domain = given, family, number, domain

    def value(self, row: Row) -> str:
        """The address of one user."""
        left = f"{self._given.slug(row)}.{self._family.slug(row)}.{self._number.value(row)}"
        return left + self._domain.value(row)

    def column(self, rows: Rows) -> Text:
        """The addresses of many users."""
        dot = np.full((len(rows), 1), ord("."), dtype=np.uint8)
        parts = [self._given.slugs(rows), dot, self._family.slugs(rows), dot, self._number.plate(rows)]
        return Text(np.concatenate([*parts, self._domain.column(rows).plate], axis=1))


class AccountTables:
    """Account numbers as tables, with what each of their pieces contributes to the check digits."""

    def __init__(self, tables: Tables, countries: Sequence[str]) -> None:
        self.tables, self.countries = tables, list(countries)
        self.tails = np.array([int(_digits(country)) * 100 for country in countries])
        self.country_plate = plate_of(countries)
        self.checks = plate_of([f"{number:02d}" for number in range(99)])
        numbers = [[_digits(text) for text in slot.texts] for slot in tables.slots]
        self.rests = [np.array([int(number or 0) % 97 for number in slot]) for slot in numbers]
        self.shifts = [np.array([pow(10, len(number), 97) for number in slot]) for slot in numbers]


class Iban:
    """The account's country, two check digits, and what was drawn for its bank and number."""

    def __init__(self, account: AccountTables, seed: int) -> None:
        self._account, self._tables = account, account.tables
        self._keys = Keys.of(seed, "iban", len(account.tables.slots))

    def value(self, row: Row) -> str:
        """The IBAN of one user."""
        account = self._tables.text(self._tables.draw(self._keys, row.index, row.locale))
        check = 98 - (int(_digits(account)) * 10**6 + int(self._account.tails[row.locale])) % 97
        return f"{self._account.countries[row.locale]}{check:02d}{account}"

    def column(self, rows: Rows) -> Text:
        """The IBANs of many users."""
        drawn = self._tables.draws(self._keys, rows.indexes, rows.locales)
        rest = np.zeros(len(rows), dtype=np.int64)
        for places, rests, shifts in zip(
            drawn.places, self._account.rests, self._account.shifts, strict=True
        ):
            rest = (rest * shifts.take(places) + rests.take(places)) % 97
        rest = (rest * (10**6 % 97) + self._account.tails.take(rows.locales)) % 97
        plate = self._tables.plate(drawn, before=4)
        plate[:, :2] = self._account.country_plate.take(rows.locales, axis=0)
        plate[:, 2:4] = self._account.checks.take(98 - rest, axis=0)
        return Text(plate)


def _digits(text: str) -> str:
    """Letters as the two digits they count for: A is 10."""
    return text if text.isdecimal() else "".join(str(int(character, 36)) for character in text)
