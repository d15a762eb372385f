"""Which worker may send which user, and what becomes of those of a dead one."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.drive.locust.leases import Leases
from harness.drive.locust.terms import FAILED, OK, ROW, SENDING, UNKNOWN, UNSENT, Lease, Step


def rows(*states: int) -> bytes:
    return b"".join(ROW.pack(state, 0, 200, 0, 0, 0) for state in states)


def indexes(lease: Lease) -> list[int]:
    return [lease.first + place * lease.stride for place in range(lease.count)]


def begun(*steps: Step, workers: int = 2) -> Leases:
    leases = Leases(steps, workers, most=64)
    leases.begin(0.0)
    return leases


def test_what_was_not_sent_goes_to_another_and_what_was_under_way_is_unknown() -> None:
    leases = begun(Step(first=0, count=4, concurrency=1), workers=1)
    lost = leases.grant("a", 4, 0.0)
    assert lost is not None and indexes(lost) == [0, 1]
    ((_, kept),) = leases.settle(lost.number, rows(OK, SENDING))
    assert list(kept[:: ROW.size]) == [OK, UNKNOWN]
    third = leases.grant("b", 4, 0.0)
    assert third is not None and indexes(third) == [2]
    list(leases.settle(third.number, rows(UNSENT)))
    again = leases.grant("b", 4, 0.0)
    assert again is not None and again.again and indexes(again) == [2]


def test_a_lease_is_settled_once() -> None:
    leases = begun(Step(first=0, count=2, concurrency=1), workers=1)
    lease = leases.grant("a", 2, 0.0)
    assert lease is not None
    assert list(leases.settle(lease.number, rows(OK)))
    assert not list(leases.settle(lease.number, rows(OK)))
    assert leases.count[OK] == 1


def test_nothing_of_a_worker_that_cannot_be_asked_is_sent_again_until_it_tells() -> None:
    leases = begun(Step(first=0, count=2, concurrency=1), workers=1)
    first = leases.grant("a", 1, 0.0)
    assert first is not None and leases.lose("a") == 1
    second = leases.grant("b", 9, 0.0)
    assert second is not None and indexes(second) == [1]
    assert leases.grant("b", 9, 0.0) is None
    list(leases.settle(second.number, rows(OK)))
    assert leases.through
    list(leases.settle(first.number, rows(UNSENT)))  # it is back, and says that it did not send it
    assert not leases.through
    again = leases.grant("b", 9, 0.0)
    assert again is not None and indexes(again) == [0]


def test_a_lease_that_was_lost_on_the_way_is_dealt_to_another_once_it_can_no_longer_arrive() -> None:
    leases = begun(Step(first=0, count=3, concurrency=1), workers=1)
    one, two = leases.grant("a", 1, 1.0), leases.grant("a", 1, 9.0)
    assert one is not None and two is not None
    assert leases.never_came("a", {two.number}, before=0.5) == 0, "it may still be under way"
    assert leases.never_came("a", {two.number}, before=2.0) == 1
    again = leases.grant("b", 9, 9.0)
    assert again is not None and again.again and indexes(again) == [0]
    assert not list(leases.settle(one.number, rows(OK))), "what is not out is not taken"


def test_what_a_lost_worker_never_told_of_is_unknown_at_the_end() -> None:
    leases = begun(Step(first=0, count=8, concurrency=1), workers=1)
    lease = leases.grant("a", 4, 0.0)
    assert lease is not None and lease.count == 4
    leases.heard(lease.number, rows(OK, FAILED, SENDING, UNSENT))
    assert leases.lose("a") == 2
    ((_, kept),) = leases.give_up()
    assert list(kept[:: ROW.size]) == [OK, FAILED, UNKNOWN, UNKNOWN]


def test_an_open_arrival_is_dealt_in_turn_so_that_all_workers_are_busy_all_of_the_time() -> None:
    leases = begun(Step(first=100, count=1000, concurrency=5, rate=20.0))
    one, other = leases.grant("a", 99, 3.0), leases.grant("b", 99, 3.0)
    assert one is not None and other is not None
    assert indexes(one) == [100, 102, 104, 106, 108] and indexes(other) == [101, 103, 105, 107, 109]
    assert (one.due, one.gap, other.due) == (0.0, 0.1, 0.05)


def test_an_item_that_is_dealt_again_is_due_now() -> None:
    leases = begun(Step(first=0, count=4, concurrency=1, rate=2.0), workers=1)
    lease = leases.grant("a", 9, 0.0)
    assert lease is not None
    list(leases.settle(lease.number, rows(*[UNSENT] * lease.count)))
    again = leases.grant("b", 9, 7.0)
    assert again is not None and again.due == 7.0


@settings(deadline=None, max_examples=100)
@given(st.integers(1, 60), st.sampled_from([0.0, 8.0, 500.0]), st.integers(1, 4), st.integers(0, 10**6))
def test_each_index_comes_to_one_end_whatever_happens_to_the_workers(
    count: int, rate: float, workers: int, seed: int
) -> None:
    chance = Random(seed)
    leases = begun(Step(first=7, count=count, concurrency=3, rate=rate), workers=workers)
    ends: dict[int, int] = {}
    while (lease := leases.grant("w", chance.randint(1, 20), 0.0)) is not None:
        fates = chance.choices([UNSENT, SENDING, OK, FAILED], [2, 1, 4, 1], k=lease.count)
        assert not ends.keys() & set(indexes(lease)), "an item that came to an end was dealt out again"
        for told, kept in leases.settle(lease.number, rows(*fates)):
            for index, state in zip(indexes(told), kept[:: ROW.size], strict=True):
                if state != UNSENT:
                    ends[index] = state
    assert leases.through
    assert sorted(ends) == list(range(7, 7 + count))
    assert leases.count.total() == count and SENDING not in ends.values()
