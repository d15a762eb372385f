"""Hypothesis over a population: the same users, with labels that fit, shrinking to the simplest."""

from __future__ import annotations

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.model.people import SyntheticUser
from harness.population import Population
from harness.population.edges import CATALOGUE
from harness.population.strategies import labels, users

PEOPLE = Population(7)
SORT = {label.name: label.sort for label in CATALOGUE}


@settings(max_examples=50, deadline=None)
@given(users(PEOPLE))
def test_an_example_is_a_user_of_the_population(user: SyntheticUser) -> None:
    assert PEOPLE.user(user.index, user.edges) == user
    assert sum(SORT[name] != "valid" for name in user.edges) <= 1


@settings(max_examples=50, deadline=None)
@given(users(PEOPLE, sorts=()))
def test_without_labels_they_are_the_ordinary_users(user: SyntheticUser) -> None:
    assert user == PEOPLE.user(user.index)


@settings(max_examples=50, deadline=None)
@given(users(PEOPLE, sorts=("valid",), below=10))
def test_sorts_and_indexes_are_kept_to(user: SyntheticUser) -> None:
    assert user.index < 10
    assert {SORT[name] for name in user.edges} <= {"valid"}


def test_a_failure_shrinks_to_one_label_on_the_first_user() -> None:
    found = find(users(PEOPLE), lambda user: "'" in (user.name or "") and "name.apostrophe" in user.edges)
    assert (found.index, found.edges) == (0, ("name.apostrophe",))


def test_a_population_without_fitting_fields_has_no_labels() -> None:
    assert find(labels(Population(1, Population.spec("id"))), lambda _: True) == ()


def test_an_unknown_sort_is_refused() -> None:
    with pytest.raises(UsageError, match="nasty"):
        labels(PEOPLE, sorts=("nasty",))  # type: ignore[arg-type]


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_own_fields_have_no_labels(data: st.DataObject) -> None:
    people = Population(1, Population.spec("id", name=lambda user: "Ada", city="city"))
    assert data.draw(users(people)).edges == ()
