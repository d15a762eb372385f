"""The press of the button: what counts as taken, refused, idle."""

import time

import pytest

from harness.drive.messages import Response
from harness.drive.pressing import Button, Pace
from harness.errors import TimeBudgetSpent, UsageError
from harness.model.exchange import Exchange, Sizes
from harness.model.scenario import Progress


def reply(status: int | None, **more: object) -> Response:
    sizes = Sizes(line=1, target=1, head=1, body=0, fields=0)
    return Response(Exchange(service="b", method="GET", path="/", sizes=sizes, status=status, **more), b"")


def button(*readings: Progress, seconds: float = 5, patience: float = 60, pace: Pace | None = None) -> Button:
    left = list(readings)
    read = lambda: left.pop(0) if len(left) > 1 else left[0]  # noqa: E731
    return Button(
        read,
        settle=0.0,
        deadline=time.monotonic() + seconds,
        seen=lambda progress: None,
        patience=patience,
        begins=0.05,
        pace=pace or Pace(),
    )


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


def test_a_200_behind_which_nothing_begins_is_not_taken_for_a_start() -> None:
    press = button(IDLE).press(lambda: reply(200), 4)
    assert press.accepted is False and "0 items worked on within 0.05 s" in press.why


def test_a_batch_that_was_once_slow_to_begin_is_given_more_time_from_then_on() -> None:
    slow, pace = [*[IDLE] * 30, WORKING, DONE], Pace()
    assert button(*slow, pace=pace).press(lambda: reply(200), 4).accepted is False
    pace.began(5.0)
    assert button(*slow, pace=pace).press(lambda: reply(200), 4).accepted is True
    assert pace.longest == 5.0


@pytest.mark.parametrize("answer", [reply(504), reply(500), reply(None, fate="closed")])
def test_an_error_behind_which_the_batch_runs_is_a_start(answer: Response) -> None:
    press = button(IDLE, WORKING, WORKING, DONE).press(lambda: answer, 4)
    assert press.accepted is True and press.progress == DONE and "and yet it ran" in press.why


def test_an_error_that_leaves_the_batch_running_for_ever_is_stuck_and_no_refusal() -> None:
    press = button(IDLE, Progress(0, 0, True), patience=0.05).press(lambda: reply(500), 4)
    assert press.stuck and "0 items worked on; then nothing more" in press.why


def test_a_second_press_that_is_turned_away_while_the_first_runs_has_started_nothing() -> None:
    assert button(IDLE, WORKING).press(lambda: reply(409), 4).accepted is False


def test_with_nothing_left_to_do_nothing_has_to_move() -> None:
    assert button(DONE).press(lambda: reply(200), 4).accepted is True


def test_a_batch_that_never_gets_idle_spends_the_time_budget() -> None:
    with pytest.raises(TimeBudgetSpent, match="still runs"):
        button(IDLE, WORKING, seconds=0.1).press(lambda: reply(200), 4)


def test_a_trigger_that_returns_no_response_is_a_mistake_in_the_scenario() -> None:
    with pytest.raises(UsageError, match="NoneType"):
        button(IDLE).press(lambda: None, 4)
