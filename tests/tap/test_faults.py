"""What each fault does to the batch, and to what the downstream has booked."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.tap.remote import Remote, TapGone
from tests.tap.places import Shop, downstream, soon, tap


class Stand:
    """A shop behind a tap."""

    def __init__(self, shop: Shop, address: tuple[str, int], remote: Remote) -> None:
        self.shop, self.address, self.remote = shop, address, remote

    def pay(self, item: str, timeout: float = 5.0) -> object:
        """The status, or the exception's name."""
        connection = http.client.HTTPConnection(*self.address, timeout=timeout)
        try:
            connection.request("POST", "/payouts", body=f'{{"item": "{item}"}}')
            answer = connection.getresponse()
            answer.read()
            return answer.status
        except (OSError, http.client.HTTPException) as problem:
            return type(problem).__name__
        finally:
            connection.close()

    def seen(self, count: int) -> list[dict[str, object]]:
        """The journal, once it has so many lines."""
        found: list[dict[str, object]] = []
        assert soon(lambda: found.extend(self.remote.exchanges()) is None and len(found) >= count), found
        return found


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    shop = Shop()
    with downstream(shop) as address, tap(address, tmp_path / "journal") as (at, remote, _):
        remote.recognise(["1001", "1002", "1003"])
        yield Stand(shop, at, remote)


def test_without_a_fault_all_passes_and_the_journal_tells_of_it(stand: Stand) -> None:
    assert stand.pay("1001") == 200
    (line,) = stand.seen(1)
    assert (line["method"], line["target"], line["status"], line["upstream"]) == (
        "POST",
        "/payouts",
        200,
        200,
    )
    assert line["items"] == ["1001"]
    assert line["fate"] == "answered"


@pytest.mark.parametrize(
    ("fault", "given", "booked", "told"),
    [
        ("reset", "ConnectionResetError", 0, (None, None)),
        ("drop", "ConnectionResetError", 1, (None, 200)),
        ("truncate", "IncompleteRead", 1, (None, 200)),
        ("error", 503, 0, (503, None)),
        ("limit", 429, 0, (429, None)),
        ("lie", 500, 1, (500, 200)),
        ("duplicate", 200, 2, (200, 200)),
    ],
)
def test_a_fault(stand: Stand, fault: str, given: object, booked: int, told: tuple[object, object]) -> None:
    stand.remote.play(fault, **({"options": {"share": 0.9}} if fault == "truncate" else {}))
    assert stand.pay("1001") == given
    assert len(stand.shop.booked) == booked
    (line,) = stand.seen(1)
    assert (line["status"], line["upstream"]) == told
    assert line["fault"] == fault
    assert stand.remote.clear() == 1
    assert stand.pay("1001") == 200


def test_a_delay_that_is_taken_off_ends(stand: Stand) -> None:
    stand.remote.play("delay", options={"seconds": 3600})
    assert stand.pay("1001", timeout=0.5) == "TimeoutError"
    assert stand.shop.booked == []
    stand.remote.clear()
    assert stand.pay("1002") == 200


def test_a_late_answer_is_booked_before_it_comes(stand: Stand) -> None:
    stand.remote.play("late", options={"seconds": 3600})
    assert stand.pay("1001", timeout=0.5) == "TimeoutError"
    assert len(stand.shop.booked) == 1


def test_a_dripping_answer_is_whole_once_the_fault_is_off(stand: Stand) -> None:
    stand.remote.play("drip", options={"pause": 0.01})
    assert stand.pay("1001") == 200


def test_down_refuses_and_comes_back_on_the_same_port(stand: Stand) -> None:
    stand.remote.play("down")
    assert stand.pay("1001") == "ConnectionRefusedError"
    stand.remote.clear()
    assert stand.pay("1001") == 200


def test_a_share_of_the_requests_and_only_so_many(stand: Stand) -> None:
    stand.remote.play("error", every=2, most=2)
    assert [stand.pay("1001") for _ in range(6)] == [503, 200, 503, 200, 200, 200]


def test_each_chosen_user_once(stand: Stand) -> None:
    stand.remote.play("error", items=["1001", "1002"], once=True)
    assert [stand.pay(item) for item in ("1003", "1001", "1001", "1002", "1002")] == [200, 503, 200, 503, 200]


def test_a_fault_that_there_is_not_is_told(stand: Stand) -> None:
    with pytest.raises(TapGone, match="no fault 'flood'"):
        stand.remote.play("flood")
    with pytest.raises(TapGone, match="wrong word"):
        Remote("payouts", stand.remote._address, "guessed").state()


def test_one_may_listen_while_another_turns_faults_on(stand: Stand) -> None:
    with ThreadPoolExecutor(4) as pool:
        calls = [stand.remote.state, stand.remote.exchanges, stand.remote.hits, stand.remote.clear] * 50
        told = [each.result() for each in [pool.submit(call) for call in calls]]
    assert all("connections" in state for state in told[::4])
    assert told[1::4] == [[]] * 50
    assert told[2::4] == told[3::4] == [0] * 50
