"""What holds for every word and every ledger."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from random import Random
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from harness.checks.ledger import Account, balance
from harness.checks.verdicts import GOOD, VERDICTS
from harness.judgement import judge
from harness.model.scenario import Effect, Outcome, Said
from tests.checks.books import Books

USERS = [str(n) for n in range(8)]
STRANGERS = ["90", "91"]
EXPECTED = {user: [Effect(user, "1.00", "a"), Effect(user, "1.00", "b")] for user in USERS}

outcomes = st.lists(
    st.builds(Outcome, st.sampled_from(USERS + STRANGERS), st.sampled_from(get_args(Said))), max_size=20
)
effects = st.lists(
    st.builds(
        Effect,
        item=st.sampled_from(USERS + STRANGERS),
        amount=st.sampled_from(["1.00", "1.0", "2.00", "", "no number"]),
        step=st.sampled_from(["a", "b", "c"]),
    ),
    max_size=30,
)
chunks = st.integers(1, 31)


def account_of(said: list[Outcome], done: list[Effect], chunk: int, *, expect: bool = True) -> Account:
    with tempfile.TemporaryDirectory() as scratch:
        books = Books(Path(scratch) / "run", USERS)
        if expect:
            books.expect(effect for wanted in EXPECTED.values() for effect in wanted)
        books.scale(1, said, done, chunk=chunk)
        account = balance(books.close(), len(USERS), "items-1", "effects-1")
    assert account is not None
    return account


@given(outcomes, effects, chunks, st.booleans())
def test_every_item_gets_exactly_one_verdict_and_no_effect_is_dropped(said, done, chunk, expect):
    account = account_of(said, done, chunk, expect=expect)
    assert list(account.verdict_of()) == USERS
    assert sum(account.count(kind) for kind in VERDICTS) == len(USERS)
    counted = sum(int(count.sum()) for count in account.deeds.counts.values())
    assert counted + account.deeds.strangers.total() == len(done)


@given(outcomes, effects, st.randoms(use_true_random=False), chunks, chunks)
def test_neither_order_nor_chunks_matter(said, done, chance: Random, chunk, other):
    before = account_of(said, done, chunk)
    chance.shuffle(said)
    chance.shuffle(done)
    after = account_of(said, done, other)
    assert before.verdict_of() == after.verdict_of()
    assert (before.overpaid, before.unpaid) == (after.overpaid, after.unpaid)
    assert sorted(before.word.twice) == sorted(after.word.twice)


@given(outcomes, effects, chunks, st.booleans())
def test_a_duplicate_is_never_masked(said, done, chunk, expect):
    account = account_of(said, done, chunk, expect=expect)
    copies = Counter((effect.item, effect.step) for effect in done)
    over = {item for (item, _), often in copies.items() if often > 1 and item in EXPECTED}
    assert set(account.of("duplicated")) == over


@given(outcomes, effects, chunks)
def test_an_unknown_never_becomes_a_pass(said, done, chunk):
    """Good is only what two witnesses, or the downstream alone, show to be whole."""
    account = account_of(said, done, chunk)
    words: dict[str, set[str]] = {}
    for outcome in said:
        words.setdefault(outcome.item, set()).add(outcome.said)
    whole = {user for user in USERS if sorted(e.step for e in done if e.item == user) == ["a", "b"]}
    for user, found in account.verdict_of().items():
        if found in GOOD and user not in whole:
            assert (found, words.get(user)) == ("failed-clean", {"failed"})
        if found == "done-once":
            assert words[user] == {"ok"}


@given(outcomes, effects, chunks)
def test_ready_means_that_every_item_is_whole_and_told(said, done, chunk):
    with tempfile.TemporaryDirectory() as scratch:
        books = Books(Path(scratch) / "run", USERS)
        books.scale(1, said, done, chunk=chunk)
        ready = judge(books.close()).verdict == "ready"
    if ready:
        assert Counter(outcome.item for outcome in said).keys() == set(USERS)
        assert all(outcome.said in ("ok", "failed", "unknown") for outcome in said)
        copies = Counter((effect.item, effect.step) for effect in done)
        assert set(copies.values()) <= {1}
        assert {item for item, _ in copies} >= {outcome.item for outcome in said if outcome.said != "failed"}
