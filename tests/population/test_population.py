"""A population: replayable, the same at every scale, coherent, and plain about what it refuses."""

from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys

import numpy as np
import pytest
from faker.providers import BaseProvider, DynamicProvider

from harness.errors import UsageError
from harness.population import Population, Spec

MANY = ("en_US", "en_GB", "de_DE", "fr_FR", "it_IT", "ja_JP", "pl_PL", "es_ES")


@pytest.fixture(scope="module")
def people() -> Population:
    return Population(7)


@pytest.fixture(scope="module")
def abroad() -> Population:
    return Population(7, Population.spec(locales=MANY, edges="0.05"))


def test_a_larger_scale_keeps_everybody_and_adds(people: Population) -> None:
    assert people.users(5_000)[:500] == people.users(500)


def test_one_user_is_the_same_alone_and_among_many(abroad: Population) -> None:
    assert [abroad.user(index) for index in range(2_000)] == abroad.users(2_000)


def test_any_order_and_any_selection_give_the_same_users(abroad: Population) -> None:
    order = np.random.default_rng(1).permutation(900_000)[:400].tolist()
    assert abroad.sheet(order).users() == [abroad.user(index) for index in order]


def test_chunks_do_not_matter(abroad: Population) -> None:
    whole = b"".join(sheet.jsonl() for sheet in abroad.sheets(0, 1_000))
    assert b"".join(sheet.jsonl() for sheet in abroad.sheets(0, 1_000, size=77)) == whole


def test_another_seed_is_other_people(people: Population) -> None:
    assert Population(8).user(0) != people.user(0)


def test_a_new_field_changes_no_other() -> None:
    few = Population(7, Population.spec("id", "name", "iban"))
    more = Population(
        7, Population.spec("id", "job", "city", "name", "iban", grade=lambda user: user.index % 6)
    )
    for index in range(50):
        assert {name: more.user(index)[name] for name in ("id", "name", "iban")} == few.user(index).data


def test_every_process_makes_the_same_bytes() -> None:
    code = (
        "import sys; from harness.population import Population as P;"
        "spec = P.spec('name', 'iban', 'job', 'pyint', locales=['de_DE', 'pl_PL'], edges=0.1);"
        "sys.stdout.buffer.write(P(3, spec).sheet(range(300)).jsonl())"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1]
    assert runs[0].count(b"\n") == 300


def test_a_population_travels_as_its_spec_and_seed(abroad: Population) -> None:
    parcel = pickle.dumps(abroad)
    assert len(parcel) < 1_500
    assert pickle.loads(parcel).user(123) == abroad.user(123)
    assert pickle.loads(pickle.dumps(abroad.user(123))) == abroad.user(123)


def test_the_name_the_address_and_the_account_belong_together(people: Population) -> None:
    for user in people.users(500):
        country = user.locale[-2:]
        assert user.country == country
        assert user.iban[:2] == (country if country != "US" else "GB")
        given, family, number = user.email.partition("@")[0].rsplit(".", 2)
        assert number == user.id
        assert re.fullmatch("[a-z0-9]+", given)
        assert re.fullmatch("[a-z0-9]+", family)


def test_email_is_made_of_the_parts_of_the_name() -> None:
    people = Population(7, Population.spec("name", "first_name", "last_name", "email", locales="en_GB"))
    for user in people.users(300):
        assert user.first_name in user.name
        assert user.last_name in user.name
        assert user.email.startswith(
            f"{user.first_name}.{user.last_name}.".lower().replace("'", "").replace("-", "")
        )


def test_no_two_users_share_id_or_address(people: Population) -> None:
    users = people.users(20_000)
    assert len({user.id for user in users}) == len({user.email for user in users}) == 20_000


def test_some_names_are_not_ascii(people: Population) -> None:
    share = sum(not user.name.isascii() for user in people.users(20_000)) / 20_000
    assert 0.03 <= share <= 0.06


def test_own_fields_are_functions_or_faker_methods() -> None:
    spec = Population.spec(
        "id", "name", employer="company", grade=lambda user: user.random.randint(1, 6), greeting=_greeting
    )
    user = Population(7, spec).user(3)
    assert list(user.data) == ["id", "name", "employer", "grade", "greeting"]
    assert user.greeting == f"Dear {user.name}"
    assert 1 <= user.grade <= 6
    assert Population(7, spec).users(4)[3] == user


def _greeting(user: object) -> str:
    return f"Dear {user['name']}"  # type: ignore[index]


def test_values_keep_their_type() -> None:
    user = Population(7, Population.spec(number="pyint", yes="pybool", when="date_object")).user(0)
    assert isinstance(user.number, int)
    assert isinstance(user.yes, bool)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", user.when)


class Ranks(BaseProvider):
    ranks = ("gold", "silver", "bronze")

    def rank(self) -> str:
        return self.random_element(self.ranks) + self.numerify(" ##")

    def odd_rank(self) -> str:
        return "".join(sorted(self.random_element(self.ranks)))


class Unruly(BaseProvider):
    def unruly(self) -> str:
        return str(os.urandom(4))


def test_custom_providers_work() -> None:
    coins = DynamicProvider("coin", ["heads", "tails"])
    people = Population(1, Population.spec("rank", "odd_rank", "coin", providers=(Ranks, coins)))
    users = people.users(300)
    assert {user.rank.partition(" ")[0] for user in users} == set(Ranks.ranks)
    assert {user.odd_rank for user in users} == {"".join(sorted(rank)) for rank in Ranks.ranks}
    assert {user.coin for user in users} == {"heads", "tails"}
    assert users[5] == people.user(5)


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"locales": "de_DD"}, "unknown locale 'de_DD'"),
        ({"locales": {"de_DE": -1}}, "weight"),
        ({"edges": 1.01}, "edges=1.01"),
        ({"edges": -0.1}, "edges=-0.1"),
        ({"edges": "many"}, "edges='many'"),
        ({"labels": "names"}, "unknown label 'names'"),
        ({"ages": (40, 30)}, "ages=(40, 30)"),
        ({"id_digits": 5}, "id_digits=5"),
        ({"pet": "pet_name"}, "unknown field 'pet': Faker has no pet_name()"),
        ({"locales": "en_PH"}, "no phone_number() in locale en_PH"),
        ({"index": "pyint"}, "cannot be called index"),
        ({"odd": "unruly", "providers": (Unruly,)}, "other values each time"),
    ],
)
def test_what_cannot_be_is_refused_in_words(choices: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=re.escape(words)):
        Population(1, **choices).user(0)


def test_a_misspelt_field_is_told_its_neighbours() -> None:
    with pytest.raises(UsageError, match="did you mean iban"):
        Population.spec("id", "ibann")


@pytest.mark.parametrize("index", [-1, 1_000_000])
def test_users_beyond_the_ids_are_refused(people: Population, index: int) -> None:
    with pytest.raises(UsageError, match="expected: 0 to 999,999"):
        people.user(index)
    with pytest.raises(UsageError, match="expected: 0 to 999,999"):
        people.sheet([5, index])


def test_a_function_that_fails_says_for_whom() -> None:
    with pytest.raises(UsageError, match="field 'odd' failed for user 2"):
        Population(1, odd=lambda user: 1 // (user.index - 2)).users(5)


def test_a_spec_and_choices_exclude_each_other() -> None:
    with pytest.raises(UsageError, match="at once"):
        Population(1, Spec(), edges=0.1)


def test_a_population_describes_itself(people: Population) -> None:
    told = people.describe()
    assert told["seed"] == 7
    assert told["faker"]
    assert told["locales"] == {"en_US": 0.70, "en_GB": 0.16, "de_DE": 0.08, "fr_FR": 0.06}


def test_the_first_users_are_the_ones_they_were() -> None:
    """A change of these words is a change of every population: say so in the notes of the release."""
    user = Population(7, Population.spec("id", "uuid", "birth_date", "amount", "reference")).user(0)
    assert dict(user.data) == {
        "id": "8258142",
        "uuid": "24958d77-46cf-4b2a-b6b7-d250a7c8942e",
        "birth_date": "1990-11-12",
        "amount": "1835.49",
        "reference": "C-19238855",
    }
