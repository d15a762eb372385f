"""The parts of the stage that need no engine."""

from pathlib import Path

import pytest

from harness.errors import EnvironmentProblem, UsageError
from harness.model.stage import Ending
from harness.stage.logs import HEAD, TAIL, head_and_tail
from harness.stage.readiness import wait_until_ready
from harness.stage.wiring import Address, environment, fill

HERE = {"payouts": Address("payouts", 8000)}
KNOWN = {"payouts": object(), "db": object()}


def test_places_are_filled_with_the_addresses_of_services() -> None:
    assert fill("{payouts.url}/x {payouts.host}:{payouts.port} {port}", HERE, KNOWN, {"port": "1"}) == (
        "http://payouts:8000/x payouts:8000 1"
    )


def test_an_entry_that_names_a_service_not_on_this_stage_is_left_out() -> None:
    assert environment({"A": "{db.host}", "B": "b"}, HERE, KNOWN, {}) == {"B": "b"}


@pytest.mark.parametrize("text", ["{payuots.url}", "{payouts.uri}", "{prot}"])
def test_a_place_that_names_nothing_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="not there"):
        fill(text, HERE, KNOWN, {"port": "1"})


def test_a_service_that_ends_is_not_waited_for() -> None:
    with pytest.raises(EnvironmentProblem, match=r"exit code 3(.|\n)*last words"):
        wait_until_ready(
            "b", lambda: "no", ending=lambda: Ending(3, False), logs=lambda: b"last words", timeout=60
        )


def test_a_service_that_is_never_ready_is_given_up_in_time() -> None:
    with pytest.raises(EnvironmentProblem, match=r"within 0\.2 s: status 503"):
        wait_until_ready("b", lambda: "status 503", ending=lambda: None, logs=lambda: b"", timeout=0.2)


def test_control_characters_in_a_services_log_do_not_reach_the_terminal() -> None:
    with pytest.raises(EnvironmentProblem) as caught:
        wait_until_ready(
            "b", lambda: "no", ending=lambda: Ending(1, False), logs=lambda: b"\x1b[31mred\x07", timeout=1
        )
    assert "\x1b" not in str(caught.value) and "\x07" not in str(caught.value)


def test_of_a_flood_of_output_the_beginning_and_the_end_are_kept(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"first" + b"x" * (HEAD + TAIL + 1000) + b"last")
    kept = head_and_tail(log)
    assert kept.startswith(b"first") and kept.endswith(b"last") and b"bytes left out" in kept
    assert len(kept) < HEAD + TAIL + 100
