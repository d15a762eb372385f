"""Awkward values: an exact rate, an ordinary twin for each, all pairs, and sentences that say why."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.population import Population
from harness.population.edges import CATALOGUE, Overlay
from harness.population.spec import STANDARD

BY_NAME = {label.name: label for label in CATALOGUE}
rates = st.fractions(min_value=Fraction(1, 10_000), max_value=1, max_denominator=10_000)


def test_the_catalogue_covers_every_kind_of_field() -> None:
    assert len(CATALOGUE) == len(BY_NAME) >= 75
    assert {label.field for label in CATALOGUE} == set(STANDARD) - {"id", "locale"}
    assert all(len(label.why) > 8 and label.why.endswith((".", "?")) for label in CATALOGUE)
    assert {label.sort for label in CATALOGUE} == {"valid", "invalid", "hostile"}


@pytest.mark.parametrize(
    ("what", "held"),
    {
        "markup": "<img", "control": "\x1b", "nul": "\x00", "formula": "=", "bidi": "\u202e", "line": "\r\n",
        "quote": "'; DROP", "long": "x" * 10_000,
    }.items(),
)  # fmt: skip
def test_the_hostile_set_holds_what_breaks_reports(what: str, held: str) -> None:
    texts = [label.over("Ada Lovelace") or "" for label in CATALOGUE if label.sort == "hostile"]
    assert any(held in text for text in texts), what


def test_no_awkward_value_is_the_ordinary_one() -> None:
    people = Population(1, locales=("en_US", "de_DE", "ja_JP", "ru_RU"))
    for user in people.users(300):
        for label in CATALOGUE:
            assert label.over(user[label.field]) != user[label.field], label.name


def test_valid_ibans_are_valid_and_wrong_ones_are_not() -> None:
    def correct(iban: str) -> bool:
        bare = iban.replace(" ", "").upper()
        return int("".join(str(int(letter, 36)) for letter in bare[4:] + bare[:4])) % 97 == 1

    for user in Population(2).users(200):
        for label in CATALOGUE:
            if label.field == "iban" and label.sort == "valid":
                assert correct(label.over(user.iban) or ""), label.name
        assert not correct(BY_NAME["iban.wrong_check"].over(user.iban) or "")


@settings(max_examples=60, deadline=None)
@given(st.integers(), rates, st.integers(min_value=0, max_value=3_000))
def test_the_rate_is_exact_at_every_prefix(seed: int, rate: Fraction, users: int) -> None:
    overlay = Overlay(seed, rate, CATALOGUE)
    awkward = [index for index in range(users) if overlay.labels(index)]
    whole = users * rate.numerator // rate.denominator
    assert whole <= len(awkward) <= whole + 1
    assert len(awkward) == overlay.count(users)
    assert [row for row, _ in overlay.awkward(np.arange(users, dtype=np.uint64))] == awkward


@settings(max_examples=30, deadline=None)
@given(st.integers(), st.integers(min_value=0, max_value=10**6 - 1))
def test_nobody_has_two_values_that_are_not_valid(seed: int, block: int) -> None:
    labels = Overlay(seed, Fraction(1, 20), CATALOGUE).of_block(block)
    assert sum(label.sort != "valid" for label in labels) <= 1
    assert len({label.field for label in labels}) == len(labels)


def test_every_label_comes_once_before_any_comes_twice() -> None:
    overlay = Overlay(5, Fraction(1, 30), CATALOGUE)
    first = Counter(overlay.of_block(block) for block in range(len(CATALOGUE)))
    assert first == Counter((label,) for label in CATALOGUE)


def test_all_valid_pairs_are_there_at_five_times_2000_users() -> None:
    coverage = Population(3, edges=0.03).coverage(10_000)
    assert coverage.awkward == 300
    assert coverage.singles == coverage.all_singles == len(CATALOGUE)
    assert coverage.pairs == coverage.all_pairs > 2_000
    assert coverage.enough is not None
    assert coverage.enough <= 10_000


def test_an_awkward_user_differs_from_the_twin_in_the_labelled_fields_alone() -> None:
    people = Population(3, edges=0.2)
    awkward = [user for user in people.users(3_000) if user.edges]
    assert len(awkward) == 600
    for user in awkward:
        twin = people.twin(user.index)
        differing = {name for name in user.data if user[name] != twin[name]}
        assert differing == {BY_NAME[name].field for name in user.edges}
        assert (twin.id, twin.index, twin.edges) == (user.id, user.index, ())


def test_the_overlay_changes_nobody_else() -> None:
    plain, some = Population(3), Population(3, edges=0.1)
    assert [user.data for user in plain.users(500)] == [some.twin(index).data for index in range(500)]
    assert not any(user.edges for user in plain.users(500))


def test_a_user_can_be_had_with_any_labels() -> None:
    user = Population(3).user(17, labels=["name.apostrophe", "postcode.missing"])
    assert "O'" in user.name
    assert user.postcode is None
    assert user.edges == ("name.apostrophe", "postcode.missing")


@pytest.mark.parametrize("labels", [["name.nope"], ["name.accent", "name.comma"]])
def test_labels_that_do_not_fit_are_refused(labels: list[str]) -> None:
    with pytest.raises(UsageError, match="label"):
        Population(3).user(0, labels=labels)


def test_labels_are_chosen_by_their_beginning_and_by_the_fields_there_are() -> None:
    some = Population(3, Population.spec(edges=0.5, labels=("iban.", "name.accent")))
    seen = {name for user in some.users(200) for name in user.edges}
    assert seen == {name for name in BY_NAME if name.startswith(("iban.", "name.accent"))}
    few = Population(3, Population.spec("id", "city", edges=1))
    assert all(name.startswith("city.") for user in few.users(50) for name in user.edges)
    assert not any(user.edges for user in Population(3, Population.spec("id", edges=1)).users(10))


def test_json_bodies_carry_the_awkward_values() -> None:
    people = Population(3, edges=0.5)
    import json

    sheet = people.sheet(range(400))
    assert [json.loads(body) for body in sheet.bodies()] == [dict(user.data) for user in sheet.users()]
    assert b"\n".join(sheet.bodies()) + b"\n" == sheet.jsonl()
