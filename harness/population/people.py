"""Users from Faker, one generator per locale, seeded anew for each user."""

from __future__ import annotations

import random
from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType

from faker import Faker

from harness.model.people import SyntheticUser
from harness.population import ids

DEFAULT_LOCALES = MappingProxyType({"en_US": 0.70, "en_GB": 0.16, "de_DE": 0.08, "fr_FR": 0.06})


class Population:
    """`users(n)` are always the first n of the same people: a larger scale adds, it never exchanges."""

    def __init__(self, seed: int, locales: Mapping[str, float] = DEFAULT_LOCALES) -> None:
        self.seed = seed
        self.locales = dict(locales)

    @cached_property
    def _fakers(self) -> dict[str, Faker]:
        return {locale: Faker(locale) for locale in self.locales}

    def user(self, index: int) -> SyntheticUser:
        """The user at `index`, the same in every run with this seed and this version of Faker."""
        chance = random.Random(f"{self.seed}/{index}")
        locale = chance.choices(list(self.locales), list(self.locales.values()))[0]
        fake = self._fakers[locale]
        fake.seed_instance(f"{self.seed}/{index}")
        user_id = ids.encode(self.seed, index)
        data = {
            "name": fake.name(),
            "email": f"user{user_id}@{fake.free_email_domain()}",
            "iban": fake.iban(),
            "amount": f"{chance.randint(500, 250_000) / 100:.2f}",
            "locale": locale,
        }
        return SyntheticUser(index=index, id=user_id, data=data)

    def users(self, count: int) -> list[SyntheticUser]:
        """Users 0..count-1."""
        return [self.user(index) for index in range(count)]

    def index_of(self, user_id: str) -> int | None:
        """The index behind an id, or None where it is no id of ours."""
        return ids.decode(self.seed, user_id)
