"""What holds for every seed, index and chunk, tried by Hypothesis."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.population import Population, ids, words
from harness.population.grammar import Pool
from harness.population.tables import Drawer, alias

seeds = st.integers(min_value=-(2**70), max_value=2**70)
indexes = st.integers(min_value=0, max_value=999_999)
keys = st.integers(min_value=0, max_value=2**64 - 1)
ABROAD = Population.spec(
    "uuid", "name", "email", "iban", "street", locales=("en_US", "it_IT", "ja_JP"), edges="1/7"
)


@given(keys, st.lists(st.integers(min_value=0, max_value=2**64 - 1), min_size=1))
def test_words_are_the_same_in_python_and_numpy(key: int, wanted: list[int]) -> None:
    array = np.array(wanted, dtype=np.uint64)
    assert words.words(key, array).tolist() == [words.word(key, index) for index in wanted]


@given(keys, st.integers(min_value=1, max_value=2**32 - 1))
def test_below_is_the_same_in_python_and_numpy(bits: int, size: int) -> None:
    found = words.below(bits, size)
    assert 0 <= found < size
    assert words.all_below(np.array([bits], dtype=np.uint64), np.uint64(size)).tolist() == [found]


@settings(max_examples=25, deadline=None)
@given(seeds, st.lists(indexes, min_size=1, max_size=20))
def test_columns_and_single_users_agree_for_any_seed_and_set(seed: int, wanted: list[int]) -> None:
    people = Population(seed, ABROAD)
    sheet = people.sheet(wanted)
    assert sheet.users() == [people.user(index) for index in wanted]
    assert [sheet.columns["iban"].at(row) for row in range(len(wanted))] == [
        people.twin(index).iban for index in wanted
    ]


@settings(max_examples=25, deadline=None)
@given(seeds, st.integers(min_value=0, max_value=300), st.integers(min_value=1, max_value=300))
def test_a_cut_anywhere_changes_nothing(seed: int, cut: int, size: int) -> None:
    people = Population(seed, ABROAD)
    parts = [*people.sheets(0, cut, size), *people.sheets(cut, 300, size)]
    assert b"".join(sheet.jsonl() for sheet in parts) == people.sheet(range(300)).jsonl()


@given(seeds, indexes, st.integers(min_value=7, max_value=12))
def test_an_id_leads_back(seed: int, index: int, digits: int) -> None:
    text = ids.encode(seed, index, digits)
    assert len(text) == digits
    assert ids.decode(seed, text, digits) == index
    assert ids.encode_all(seed, np.array([index], dtype=np.uint64), digits).tobytes().decode() == text


@given(seeds, st.integers(min_value=0, max_value=2**64 - 1))
def test_a_uuid_leads_back(seed: int, index: int) -> None:
    text = ids.uuid(seed, index)
    assert text[14] == "4"
    assert text[19] in "89ab"
    assert ids.uuid_index(seed, text) == index
    assert ids.uuids(seed, np.array([index], dtype=np.uint64)).tobytes().decode() == text


@given(seeds, st.uuids(version=4))
def test_a_foreign_uuid_is_refused(seed: int, foreign: object) -> None:
    assert ids.uuid_index(seed, str(foreign)) is None


@given(seeds, st.text(max_size=40))
def test_what_is_no_id_is_refused(seed: int, text: str) -> None:
    people = Population(seed)
    found = people.index_of(text)
    assert found is None or people.id_of(found) == text


def test_foreign_numbers_are_refused_as_far_as_seven_digits_can() -> None:
    people = Population(7)
    foreign = [str(number) for number in range(1_000_000, 10_000_000, 997)]
    taken = [index for text in foreign if (index := people.index_of(text)) is not None]
    assert len(taken) / len(foreign) == pytest.approx(1 / 9, abs=0.01)
    assert sum(people.index_of(text, below=4_000) is not None for text in foreign) <= 12


@given(st.lists(st.floats(min_value=1e-6, max_value=1e6), min_size=1, max_size=50))
def test_an_alias_table_keeps_the_weights(weights: list[float]) -> None:
    marks, other = alias(weights)
    size = len(weights)
    chances = [0.0] * size
    for place in range(size):
        stays = (marks[place] + 1) / 2**32
        chances[place] += stays / size
        chances[other[place]] += (1 - stays) / size
    assert chances == pytest.approx([weight / sum(weights) for weight in weights], abs=1e-8)


def test_pools_side_by_side_do_not_mix() -> None:
    drawer = Drawer()
    first, second = drawer.add(Pool(("a", "b"))), drawer.add(Pool(("x", "y", "z"), (1.0, 0.0001, 5.0)))
    drawer.close()
    bits = words.words(11, np.arange(2_000, dtype=np.uint64))
    for (base, size), letters in ((first, "ab"), (second, "xyz")):
        places = drawer.places(bits, base, np.uint64(size))
        assert {drawer.texts[place] for place in places} <= set(letters)
        assert places.tolist() == [drawer.place(int(word), base, size) for word in bits]
