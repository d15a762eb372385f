"""The parts of the explaining room, each on its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.explain import Seen, explain
from harness.explain.asking import Asker, Budget, BudgetSpent
from harness.explain.columns import Column
from harness.explain.conditions import Condition
from harness.explain.ladder import stretched
from harness.explain.minimal import culprits, mixed
from harness.explain.table import url_size
from harness.model.causes import signature
from harness.model.people import SyntheticUser

TEXTS = st.lists(st.one_of(st.none(), st.text(max_size=12)), min_size=1, max_size=8)


@given(TEXTS)
def test_a_column_measures_what_python_measures_one_by_one(values: list[str | None]) -> None:
    column = Column(values)
    found = column.measures
    for row, value in enumerate(values):
        text = value or ""
        raw = text.encode("utf-8", "surrogatepass")
        assert found["null"][row] == (value is None)
        assert value is None or (found["length"][row], found["bytes"][row]) == (len(text), len(raw))
        widths = [len(c.encode("utf-8", "surrogatepass")) for c in text]
        assert not widths or found["widest"][row] == max(widths)
        assert column.measure("has:'")[row] == ("'" in text)
        assert found["digits"][row] == any(c in "0123456789" for c in text)


@given(
    st.dictionaries(
        st.sampled_from(["name", "iban", "city"]),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
        min_size=3,
    )
)
def test_the_size_of_a_query_is_what_urlencode_makes(data: dict[str, str]) -> None:
    assert url_size(data, list(data)) == len(urlencode(data))


@given(st.text(max_size=30), st.integers(0, 200))
def test_a_stretched_value_has_the_length_and_no_new_characters(value: str, size: int) -> None:
    found = stretched(value, size)
    assert len(found) == size
    assert set(found) <= set(value) | {"a"}


@given(st.sets(st.sampled_from("abcdefgh"), min_size=1), st.integers(1, 8))
def test_the_culprits_are_exactly_the_fields_it_takes(needed: set[str], fields: int) -> None:
    names = "abcdefgh"[: max(fields, max(map("abcdefgh".index, needed)) + 1)]
    good, bad = dict.fromkeys(names, 0), dict.fromkeys(names, 1)
    asker = Asker(
        lambda round_of: ["x" if all(data[name] for name in needed) else "" for data in round_of],
        Budget(500),
        "x",
    )
    found = culprits(asker, good, bad, list(names))
    assert found is not None and set(found) == needed
    assert asker.fails(mixed(good, bad, found)) is True


def test_a_question_is_asked_once_and_flakes_make_it_asked_again() -> None:
    answers = iter(["x", "", "x", "x", "x", "x", "x"])
    asker = Asker(
        lambda round_of: [next(answers) for _ in round_of], Budget(20), "x", failing=0.2, passing=0.2
    )
    assert asker.fails({"a": 1}) is True and asker.fails({"a": 1}) is True
    hits, tries = asker.tally({"a": 1})
    assert tries == asker.budget.used and hits == tries - 1


def test_another_failure_is_neither_yes_nor_no() -> None:
    asker = Asker(lambda round_of: ["y"] * len(round_of), Budget(5), "x")
    assert asker.fails({"a": 1}) is None


def test_no_call_goes_beyond_the_budget() -> None:
    asker = Asker(lambda round_of: ["x"] * len(round_of), Budget(1), "x")
    with pytest.raises(BudgetSpent):
        asker.all([{"a": 1}, {"a": 2}])
    assert asker.budget.used == 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("user 1234567 has no account", "user 7654321 has no account"),
        ("invalid IBAN 'DE12 3456'", "invalid IBAN 'GB99'"),
        ("at 2026-01-02T10:11:12Z", "at 2026-05-06T07:08:09Z"),
    ],
)
def test_what_belongs_to_one_user_is_no_part_of_a_signature(one: str, other: str) -> None:
    assert signature("failed", one) == signature("failed", other)


def test_the_users_own_values_are_no_part_and_a_status_is() -> None:
    assert signature("failed", "cannot pay Amy Smith", ["Amy Smith"]) == signature(
        "failed", "cannot pay <value>"
    )
    assert signature("failed", "HTTP 500") != signature("failed", "HTTP 502")


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (Condition("name", "widest", least=2), "name has a non-ASCII letter"),
        (Condition("name", "length", least=65), "name has 65 or more characters"),
        (Condition("name", "has:'", least=1), "name has an apostrophe"),
        (Condition("iban", "null", least=1), "iban is missing"),
        (Condition("amount", "value", least=1000.5), "amount is 1,000.5 or more"),
        (Condition("amount", "value", least=1234567, most=1234568), "amount is 1,234,567 to 1,234,568"),
        (Condition("", "url", least=332), "data, URL-encoded, is 332 or more bytes"),
        (Condition("", "label:iban.cut", least=1), "awkward value is 'iban.cut'"),
    ],
)
def test_a_condition_reads_as_a_person_would_say_it(condition: Condition, words: str) -> None:
    assert condition.words == words


def test_what_cannot_be_measured_fulfils_nothing() -> None:
    assert not Condition("a", "value", most=5).of(np.array([np.nan]))[0]


@pytest.mark.parametrize("bad", ["9" * 40, "1." + "3" * 40, "-" + "9" * 35, "0." + "3" * 30, "7" * 200])
def test_numbers_of_more_digits_than_python_counts_with_are_explained(bad: str) -> None:
    def user(index: int, amount: str) -> SyntheticUser:
        return SyntheticUser(index, str(index), {"id": str(index), "amount": amount, "name": "abc"})

    def told(data: Mapping[str, Any]) -> str:
        return "failed: too long" if len(str(data["amount"]).strip("-")) > 25 else ""

    users = [
        user(n, f"{n}{bad.removeprefix('-')}"[: len(bad)] if n % 10 == 0 else f"{n}.50") for n in range(100)
    ]
    seen = Seen(users, [told(one.data) for one in users], lambda index: user(index, f"{index}.50"))
    found = explain(seen, lambda tried: [told(data) for data in tried])
    assert found.causes and found.causes[0].fields == ["amount"] and found.causes[0].removed
