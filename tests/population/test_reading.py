"""Faker's methods as grammars: what is read, what is sampled, and that nothing is guessed."""

from __future__ import annotations

import random
from itertools import count
from typing import ClassVar

import pytest
from faker import Faker
from faker.providers import BaseProvider

from harness.population.grammar import Grammar, NotReadable, pattern
from harness.population.reading import read
from harness.population.source import SAMPLES, sample

numbers = count()


class Cases(BaseProvider):
    weighted: ClassVar = {"a": 3.0, "b": 1.0}
    pairs = (("un", "1"), ("deux", "2"))

    def joined(self) -> str:
        return "<" + self.random_element(("x", "y")).upper() + self.numerify("-%#") + ">"

    def heavy(self) -> str:
        return self.random_element(self.weighted)

    def second(self) -> str:
        return self.random_element(self.pairs)[1]

    def spelt(self) -> str:
        return f"{self.random_element(('x', 'y'))}!"

    def parsed(self) -> str:
        return self.generator.parse("{{heavy}} and {{second}}")

    def numbered(self) -> str:
        day, year = self.random_int(1, 28), self.generator.random.randint(98, 102)
        return "%s %02d/%d" % (self.random_element(("on", "by")), day, year)  # noqa: UP031

    def odd_numbers(self) -> str:
        number = self.random_int(1, 28)
        return f"{number}{'th' if number > 3 else 'rd'}"

    def longest(self) -> str:
        return max(self.random_element(("x", "yy")), self.random_element(("z", "q")), key=len)

    def global_chance(self) -> str:
        return self.random_element(("x", "y")) + str(next(numbers))

    def unseen(self) -> str:
        return random.choice("xy")

    def endless(self) -> str:
        return self.generator.parse("{{endless}}")


@pytest.fixture
def generator() -> object:
    fake = Faker("en_GB")
    fake.add_provider(Cases)
    return fake._factories[0]


def said(grammar: Grammar) -> set[str]:
    texts = set[str]()
    for item in grammar:
        made = {""}
        for pool in item.pools:
            made = {before + text for before in made for text in pool.values}
        texts |= made
    return texts


def test_formats_digits_and_case_are_read(generator: object) -> None:
    texts = said(read(generator, "joined"))
    assert len(texts) == 2 * 90
    assert {"<X-10>", "<Y-99>"} <= texts


def test_weights_are_kept(generator: object) -> None:
    (only,) = read(generator, "heavy")
    assert (only.pools[0].values, only.pools[0].weights, only.weight) == (("a", "b"), (3.0, 1.0), 1.0)


def test_parts_of_a_choice_are_read(generator: object) -> None:
    assert said(read(generator, "second")) == {"1", "2"}


def test_a_method_that_looks_into_its_choice_is_tried_choice_by_choice(generator: object) -> None:
    assert said(read(generator, "spelt")) == {"x!", "y!"}


def test_formats_name_other_methods(generator: object) -> None:
    assert said(read(generator, "parsed")) == {"a and 1", "a and 2", "b and 1", "b and 2"}


def test_random_numbers_are_read_where_they_come_out_as_they_went_in(generator: object) -> None:
    texts = said(read(generator, "numbered"))
    assert len(texts) == 2 * 28 * 5
    assert {"on 01/98", "by 28/102"} <= texts


@pytest.mark.parametrize(
    "method", ["odd_numbers", "longest", "global_chance", "unseen", "endless", "pyint", "date"]
)
def test_what_cannot_be_read_is_said(generator: object, method: str) -> None:
    with pytest.raises(NotReadable):
        read(generator, method)


def test_samples_are_the_same_each_time() -> None:
    assert sample("en_GB", "date") == sample("en_GB", "date")
    assert len(sample("en_GB", "date")) == SAMPLES


def test_patterns_split_into_pools_that_are_not_too_large() -> None:
    sizes = [len(pool.values) for pool in pattern("+49 (0)%## ######!")]
    assert sizes == [1, 900, 1, 10_000, 100, 11]
