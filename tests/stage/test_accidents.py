"""Killing, freezing and reviving a service, on both stages, with a service that writes to its disk."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator

import pytest

from harness.model.stage import Stage
from tests.end_to_end.friday import opener, variant

PAYMENT = {"item": "1", "name": "A", "iban": "X", "amount": "1.00"}


@pytest.fixture(params=["process", pytest.param("docker", marks=pytest.mark.engine)])
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    if request.param == "docker":
        request.getfixturevalue("engine")
    with opener(variant(payouts={}, batch={}), request.param)() as stage:
        yield stage


def ask(stage: Stage, method: str, path: str, body: object = None, timeout: float = 5.0) -> str:
    connection = http.client.HTTPConnection(*stage.services["payouts"].address, timeout=timeout)
    try:
        headers = {"Content-Type": "application/json"}
        connection.request(method, path, json.dumps(body) if body else None, headers)
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def test_what_was_on_disk_survives_a_kill(stage: Stage) -> None:
    payouts = stage.services["payouts"]
    ask(stage, "POST", "/payouts", PAYMENT)
    payouts.kill()
    ending = payouts.ending()
    assert ending is not None and ending.exit_code in (-9, 137)
    with pytest.raises(OSError):
        ask(stage, "GET", "/health")
    payouts.revive()
    assert payouts.ending() is None
    assert json.loads(ask(stage, "GET", "/ledger"))["item"] == "1"


def test_a_frozen_service_takes_requests_and_answers_none_until_it_is_let_go(stage: Stage) -> None:
    payouts = stage.services["payouts"]
    payouts.freeze()
    with pytest.raises(TimeoutError):
        ask(stage, "GET", "/health", timeout=0.5)
    assert payouts.ending() is None
    payouts.thaw()
    payouts.thaw()
    assert "ok" in ask(stage, "GET", "/health")


def test_a_frozen_service_can_be_ended(stage: Stage) -> None:
    began = time.monotonic()
    stage.services["payouts"].freeze()
    stage.services["payouts"].kill()
    assert stage.services["payouts"].ending() is not None
    assert time.monotonic() - began < 10
