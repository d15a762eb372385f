"""Our users beside Faker's own: no farther from Faker than Faker is from itself.

Two samples of Faker's are compared with each other, and one of ours with them, by total variation distance
(0: the same, 1: nothing in common), once over formats (letters as a, digits as 0) and once over words.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date
from functools import cache
from typing import Any

import pytest
from faker import Faker

from harness.population import Population
from harness.population.accounts import ACCOUNTS
from harness.population.source import one_line

LOCALES = ("en_US", "en_GB", "de_DE", "fr_FR", "it_IT", "es_ES", "pl_PL", "ja_JP", "nl_NL", "ru_RU")
SAMPLE = 1_500
SLACK = 0.03
"""The room for chance: no distance of a sample of Faker's to another varies by more."""

METHODS: dict[str, Callable[[Any], Any]] = {
    "name": lambda fake: fake.name(),
    "phone": lambda fake: fake.phone_number(),
    "street": lambda fake: one_line(fake.street_address()),
    "city": lambda fake: fake.city(),
    "postcode": lambda fake: fake.postcode(),
    "iban": lambda fake: fake.iban(),
    "birth_date": lambda fake: fake.date_of_birth(minimum_age=18, maximum_age=89).isoformat(),
    "country": lambda fake: fake.current_country_code(),
}
DRAWN = ("name", "phone", "street", "city", "postcode", "iban")
"""Fields that Faker says the same about; the others follow from them, or have limits of our own."""


def shape(text: str) -> str:
    """The format: letters as a (runs as one), digits as 0, the rest as it is."""
    return re.sub("a+", "a", "".join("0" if c.isdigit() else "a" if c.isalpha() else c for c in text))


def words(texts: Iterable[str]) -> Iterable[str]:
    return (word for text in texts for word in re.findall(r"[^\W\d_]+|\d", text))


def distance(one: Iterable[str], two: Iterable[str]) -> float:
    """Total variation: the share of one that would have to change to make the other."""
    first, second = Counter(one), Counter(two)
    sizes = first.total() or 1, second.total() or 1
    return sum(abs(first[word] / sizes[0] - second[word] / sizes[1]) for word in first | second) / 2


@cache
def ours(locale: str) -> dict[str, list[Any]]:
    fields = (
        *DRAWN,
        "first_name",
        "last_name",
        "birth_date",
        "country",
        "locale",
        "email",
        "amount",
        "reference",
    )
    return (
        Population(11, Population.spec("id", "uuid", *fields, locales=locale)).sheet(range(SAMPLE)).values()
    )


@cache
def fakers(locale: str, field: str, seed: int) -> list[str]:
    fake = Faker(locale)
    fake.seed_instance(seed)
    return [METHODS[field](fake) for _ in range(SAMPLE)]


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("field", DRAWN)
def test_formats_and_words_are_as_near_to_faker_as_faker_is(locale: str, field: str) -> None:
    if field == "iban" and Faker(locale).iban()[:2] != ours(locale)["iban"][0][:2]:
        pytest.skip("Faker has no bank of this country; ours does")
    one, two, mine = fakers(locale, field, 1), fakers(locale, field, 2), ours(locale)[field]
    for told, view in {"formats": lambda texts: map(shape, texts), "words": words}.items():
        itself = distance(view(one), view(two))
        assert distance(view(one), view(mine)) <= itself + SLACK, told
        assert distance(view(two), view(mine)) <= itself + SLACK, told


@pytest.mark.parametrize("locale", LOCALES)
def test_the_country_is_the_locales(locale: str) -> None:
    assert set(ours(locale)["country"]) == set(fakers(locale, "country", 1))
    assert set(ours(locale)["locale"]) == {locale}


@pytest.mark.parametrize("locale", LOCALES)
def test_the_parts_of_a_name_are_in_it(locale: str) -> None:
    users = ours(locale)
    for name, first, last in zip(users["name"], users["first_name"], users["last_name"], strict=True):
        assert first in name
        assert last in name


def test_the_measure_sees_what_it_should() -> None:
    """Without Faker's weights the words of a name are farther from Faker than chance would have them."""
    flat = Faker("en_US", use_weighting=False)
    flat.seed_instance(1)
    names = [flat.name() for _ in range(SAMPLE)]
    one, two = fakers("en_US", "name", 1), fakers("en_US", "name", 2)
    assert distance(words(one), words(names)) > distance(words(one), words(two)) + 2 * SLACK


@pytest.mark.parametrize("locale", LOCALES)
def test_birth_dates_spread_over_the_ages_as_fakers_do(locale: str) -> None:
    def years(texts: list[str]) -> list[str]:
        return [text[:3] for text in texts]

    one, two, mine = (
        fakers(locale, "birth_date", 1),
        fakers(locale, "birth_date", 2),
        ours(locale)["birth_date"],
    )
    itself = distance(years(one), years(two))
    assert (
        distance(years(one), years(mine)) <= itself + 2 * SLACK
    )  # Faker counts ages from today, we from 2026
    assert all(date(1936, 1, 1) <= date.fromisoformat(text) <= date(2008, 1, 1) for text in mine)


@pytest.mark.parametrize("locale", LOCALES)
def test_every_value_is_valid_in_form(locale: str) -> None:
    users = ours(locale)
    forms = {
        "id": r"[1-9]\d{6}",
        "uuid": r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
        "email": r"[a-z0-9]{1,20}\.[a-z0-9]{1,20}\.\d{7}@example\.(com|net|org)",
        "iban": r"[A-Z]{2}\d\d[A-Z0-9]{10,30}",
        "amount": r"\d{1,4}\.\d\d",
        "reference": r"C-\d{8}",
        "country": r"[A-Z]{2}",
        "name": r".*\S.*",
        "street": r".*\S.*",
        "city": r".*\S.*",
        "phone": r".*\d.*",
        "postcode": r".*\d.*",
    }
    for field, form in forms.items():
        wrong = [value for value in users[field] if not re.fullmatch(form, value)]
        assert not wrong, (field, wrong[:3])
    assert all(5 <= float(amount) < 2_500 for amount in users["amount"])


@pytest.mark.parametrize("locale", [*LOCALES, "sv_SE", "nl_BE", "hu_HU", "no_NO", "de_CH", "pt_PT", "tr_TR"])
def test_ibans_have_the_right_country_length_and_check(locale: str) -> None:
    for iban in Population(3, Population.spec("iban", locales=locale)).sheet(range(500)).values()["iban"]:
        number = int("".join(str(int(letter, 36)) for letter in iban[4:] + iban[:4]))
        assert number % 97 == 1
        if locale[3:] in ACCOUNTS:
            assert iban[:2] == locale[3:]
            assert len(iban) == 4 + len(ACCOUNTS[locale[3:]])


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("field", ("phone", "postcode"))
def test_values_repeat_no_more_often_than_fakers(locale: str, field: str) -> None:
    theirs, mine = len(set(fakers(locale, field, 1))), len(set(ours(locale)[field]))
    assert mine >= 0.97 * theirs
