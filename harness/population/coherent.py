"""Fields that follow from others: the parts of the name, the e-mail address made of them, the IBAN."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from faker.decode import unidecode

from harness.population.columns import Text
from harness.population.fields import Drawn, ShortId, needs_no_escape
from harness.population.rows import Row, Rows
from harness.population.tables import Draw, Draws, Keys, Plate, Tables, plate_of
from harness.population.words import Places

LONGEST_SLUG = 20


def slug(text: str) -> str:
    """A name as it is written in front of an @: Latin letters and digits, never empty."""
    letters = unidecode(text).lower()
    return (
        "".join(letter for letter in letters if letter.isascii() and letter.isalnum())[:LONGEST_SLUG]
        or "user"
    )


class NamePart:
    """One part of the drawn name, given or family, and that part's slug.

    A name whose format does not tell its parts (a sampled one) is split at its first or last space.
    """

    def __init__(self, name: Drawn, tag: str, split: Callable[[str], str]) -> None:
        self._name, tables = name, name.tables
        self._slot_of_form = [self._slot(tables, form, tag) for form in range(tables.count)]
        self._bases, texts = [], list[str]()
        for slot in tables.slots:
            self._bases.append(len(texts))
            texts += [text if kind else split(text) for text, kind in zip(slot.texts, slot.tags, strict=True)]
        self._texts, self._slugs = texts, list(map(slug, texts))
        self._plate, self.slug_plate = plate_of(self._texts), plate_of(self._slugs)
        self._used = sorted(set(self._slot_of_form))
        self._plain = all(map(needs_no_escape, texts))

    @staticmethod
    def _slot(tables: Tables, form: int, tag: str) -> int:
        tags = [slot.tags[base] for slot, (base, _) in zip(tables.slots, tables.layout[form], strict=True)]
        fitting = [at for at, kind in enumerate(tags) if kind.startswith(tag)]
        named = [at for at, kind in enumerate(tags) if "name" in kind]
        varied = [at for at, (_, size) in enumerate(tables.layout[form]) if size > 1]
        return (fitting or named or varied or [0])[0]

    def _place(self, drawn: Draw) -> int:
        slot = self._slot_of_form[drawn.form]
        return self._bases[slot] + drawn.places[slot]

    def places(self, drawn: Draws) -> Places:
        """Which of all parts each user has."""
        found = drawn.places[self._used[0]] + self._bases[self._used[0]]
        if len(self._used) > 1:
            slots = np.array(self._slot_of_form).take(drawn.forms)
            for slot in self._used[1:]:
                found = np.where(slots == slot, drawn.places[slot] + self._bases[slot], found)
        return found

    def slug(self, row: Row) -> str:
        """The part as it stands in an e-mail address."""
        return self._slugs[self._place(self._name.draw(row))]

    def slugs(self, rows: Rows) -> Plate:
        """The parts as they stand in e-mail addresses."""
        return self.slug_plate.take(self.places(self._name.draws(rows)), axis=0)

    def value(self, row: Row) -> str:
        """The part for one user."""
        return self._texts[self._place(self._name.draw(row))]

    def column(self, rows: Rows) -> Text:
        """The parts for many users."""
        return Text(self._plate.take(self.places(self._name.draws(rows)), axis=0), self._plain)


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


class Iban:
    """The account's country, two check digits, and what was drawn for its bank and number."""

    def __init__(self, tables: Tables, countries: Sequence[str], seed: int) -> None:
        self._tables, self._countries = tables, list(countries)
        self._keys = Keys.of(seed, "iban", len(tables.slots))
        self._tails = [int("".join(map(_number, country))) * 100 for country in countries]
        self._country_plate = plate_of(countries)
        self._checks = plate_of([f"{number:02d}" for number in range(99)])
        self._rests = [
            np.array([int(_digits(text) or 0) % 97 for text in slot.texts]) for slot in tables.slots
        ]
        self._shifts = [
            np.array([pow(10, len(_digits(text)), 97) for text in slot.texts]) for slot in tables.slots
        ]

    def value(self, row: Row) -> str:
        """The IBAN of one user."""
        account = self._tables.text(self._tables.draw(self._keys, row.index, row.locale))
        check = 98 - (int(_digits(account)) * 10**6 + self._tails[row.locale]) % 97
        return f"{self._countries[row.locale]}{check:02d}{account}"

    def column(self, rows: Rows) -> Text:
        """The IBANs of many users."""
        drawn = self._tables.draws(self._keys, rows.indexes, rows.locales)
        rest = np.zeros(len(rows), dtype=np.int64)
        for places, rests, shifts in zip(drawn.places, self._rests, self._shifts, strict=True):
            rest = (rest * shifts.take(places) + rests.take(places)) % 97
        tails = np.array([tail % 97 for tail in self._tails]).take(rows.locales)
        rest = (rest * (10**6 % 97) + tails) % 97
        plate = self._tables.plate(drawn, before=4)
        plate[:, :2] = self._country_plate.take(rows.locales, axis=0)
        plate[:, 2:4] = self._checks.take(98 - rest, axis=0)
        return Text(plate)


def _number(character: str) -> str:
    return str(int(character, 36))


def _digits(text: str) -> str:
    return "".join(map(_number, text))
