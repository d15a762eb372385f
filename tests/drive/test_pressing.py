"""The press of the button: what counts as taken, refused, idle."""

import time

import pytest

from harness.drive.client import Response
from harness.drive.pressing import Button
from harness.errors import TimeBudgetSpent, UsageError
from harness.model.exchange import Exchange, Sizes
from harness.model.scenario import Progress


def reply(status: int | None, **more: object) -> Response:
    sizes = Sizes(line=1, target=1, head=1, body=0, fields=0)
    return Response(Exchange(service="b", method="GET", path="/", sizes=sizes, status=status, **more), b"")


def button(*readings: Progress, seconds: float = 5) -> Button:
    left = list(readings)
    read = lambda: left.pop(0) if len(left) > 1 else left[0]  # noqa: E731
    return Button(read, settle=0.0, deadline=time.monotonic() + seconds, seen=lambda progress: None)


IDLE, WORKING, DONE = Progress(0, 0, False), Progress(1, 0, True), Progress(3, 1, False)


def test_a_batch_that_works_and_gets_idle_has_taken_the_items() -> None:
    press = button(IDLE, WORKING, WORKING, DONE).press(lambda: reply(302), 4)
    assert press.accepted is True and press.progress == DONE


@pytest.mark.parametrize(
    ("answer", "accepted"),
    [
        (reply(414), False),
        (reply(403), False),
        (reply(302, headers=[("Location", "/login?next=/run")]), False),
        (reply(None, fate="reset"), None),
    ],
)
def test_an_answer_that_turns_the_request_away_is_no_start(answer: Response, accepted: bool | None) -> None:
    assert button(IDLE).press(lambda: answer, 4).accepted is accepted


def test_a_200_behind_which_nothing_begins_is_not_taken_for_a_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.drive.pressing.START_WITHIN", 0.05)
    press = button(IDLE).press(lambda: reply(200), 4)
    assert press.accepted is False and "0 items" in press.why


def test_with_nothing_left_to_do_nothing_has_to_move() -> None:
    assert button(DONE).press(lambda: reply(200), 4).accepted is True


def test_a_batch_that_never_gets_idle_spends_the_time_budget() -> None:
    with pytest.raises(TimeBudgetSpent, match="still runs"):
        button(IDLE, WORKING, seconds=0.1).press(lambda: reply(200), 4)


def test_a_trigger_that_returns_no_response_is_a_mistake_in_the_scenario() -> None:
    with pytest.raises(UsageError, match="NoneType"):
        button(IDLE).press(lambda: None, 4)
