"""Hypothesis strategies over a population, for tests of the code that takes its users.

::

    from hypothesis import given
    from harness.population import Population
    from harness.population.strategies import users

    @given(users(Population(seed=7)))
    def test_every_valid_user_can_be_paid(user): ...

An example is a pair (index, labels), so it is a user of the population, or one with other awkward values laid
over; it shrinks to the first user and to few labels. ``population.user(index, labels)`` makes the same user
without Hypothesis.
"""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from harness.errors import UsageError
from harness.model.people import SyntheticUser
from harness.population.edges.catalogue import chosen
from harness.population.edges.label import Label, Sort
from harness.population.people import Population

SORTS: tuple[Sort, ...] = ("valid", "invalid", "hostile")
LARGEST = 100_000


def labels(
    population: Population, sorts: Sequence[Sort] = SORTS, most: int = 3
) -> st.SearchStrategy[tuple[str, ...]]:
    """Labels for one user: on different fields, at most `most`, and at most one that is not valid."""
    if unknown := set(sorts) - set(SORTS):
        raise UsageError(f"unknown sort of label {unknown.pop()!r}", expected=f"some of {', '.join(SORTS)}")
    known = chosen(population.made_of.labels, population.plain_fields)
    fitting = [label for label in known if label.sort in sorts]
    if not fitting:
        return st.just(())
    picked = st.lists(st.sampled_from(fitting), max_size=most, unique_by=lambda label: label.field)
    return picked.filter(_one_bad_at_most).map(lambda found: tuple(label.name for label in found))


def _one_bad_at_most(found: list[Label]) -> bool:
    return sum(label.sort != "valid" for label in found) <= 1


def users(
    population: Population | None = None, sorts: Sequence[Sort] = SORTS, below: int = LARGEST
) -> st.SearchStrategy[SyntheticUser]:
    """Users 0..below-1 of the population (of seed 0, if none is given), with labels of the given sorts.

    ``sorts=()`` gives ordinary users, ``sorts=("valid",)`` those that a correct system takes.
    """
    people = population or Population(0)
    indexes = st.integers(min_value=0, max_value=below - 1)
    return st.builds(people.user, indexes, labels(people, sorts))
