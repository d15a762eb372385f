"""Batches that a command or a queue starts: the samples, whose worker is killed with items in work."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import kombu
import pytest
import redis

from harness import pressing_again
from harness.act_two import worker
from harness.checks import again
from harness.drive.client import Client
from harness.drive.performance import Performance
from harness.drive.play import Play
from harness.drive.queues import Broker, RabbitMQ, Redis
from harness.model.events import NotSeen, Pressed, PressedAgain
from harness.model.exchange import Exchange, Sizes
from harness.model.finding import Finding
from harness.model.record import RecordWriter
from harness.model.scenario import Scenario
from harness.model.stage import RunningService
from harness.probes.rerun import Experiment
from tests.conftest import Rehearse
from tests.end_to_end.friday import SOURCE, hold_rehearsal, opener, press_again

FULL = pytest.mark.skipif("FULL" not in os.environ, reason="every sample in containers: FULL=1")


@pytest.fixture(params=["process", pytest.param("docker", marks=[pytest.mark.engine, FULL])])
def kind(request: pytest.FixtureRequest) -> str:
    if request.param == "docker":
        request.getfixturevalue("engine")
    return request.param


def sample(monkeypatch: pytest.MonkeyPatch, name: str, **env: str) -> Scenario:
    """The scenario in `scenarios/<name>.py`, as it is with that environment."""
    for key, value in env.items():
        monkeypatch.setenv(key, value)
    for one in dict.fromkeys(("payouts_by_command", "payouts_by_queue", name)):
        importlib.reload(importlib.import_module(f"scenarios.{one}"))
    found = vars(importlib.import_module(f"scenarios.{name}"))
    return next(one for key, one in found.items() if key.lower() == name.replace("_", ""))()


def need_redis() -> None:
    if shutil.which("redis-server"):
        return
    why = "redis-server is not installed: sh fixtures/servers/install.sh"
    if os.environ.get("CI"):
        pytest.fail(f"{why}; in CI this must run")
    pytest.skip(why)


def killed(scenario: Scenario, folder: Path, kind: str, batch: str, first: str) -> dict[str, Finding]:
    """What is found after kill -9 of what works, with its items held at that service."""
    works = (batch, ["bank", "ledger"])
    key = f"again-kill-{batch}" + ("-at-ledger" if first == "ledger" else "")
    record = press_again(scenario, folder, kind, 40, key, works=works)
    assert not record.all(NotSeen)
    return {one.code: one for one in again.check(record) if isinstance(one, Finding)}


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("mark", "first", "code"), [("first", "bank", "ITEM-015"), ("last", "ledger", "DUP-006")]
)
def test_a_command_that_is_killed_loses_a_person_or_pays_them_twice(
    mark: str, first: str, code: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = sample(monkeypatch, "payouts_by_command", PAY_MARK=mark)
    found = killed(scenario, tmp_path / "run", kind, "batch", first)
    assert found.keys() == {code}
    assert found[code].title.startswith("1 of 40 users" if mark == "first" else "After batch is killed")


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("acks", "first", "code"), [("early", "bank", "ITEM-015"), ("late", "ledger", "DUP-006")]
)
def test_celery_on_redis_loses_what_is_acknowledged_early_and_does_twice_what_is_late(
    acks: str, first: str, code: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "process":
        need_redis()
    scenario = sample(monkeypatch, "payouts_by_queue", PAY_ACKS=acks)
    assert killed(scenario, tmp_path / "run", kind, "worker", first).keys() == {code}


SAMPLES = {
    "command, marked first": ("payouts_by_command", "PAY_MARK", "first", "process"),
    "command, marked last": ("payouts_by_command", "PAY_MARK", "last", "process"),
    "Redis, early": ("payouts_by_queue", "PAY_ACKS", "early", "process"),
    "Redis, late": ("payouts_by_queue", "PAY_ACKS", "late", "process"),
    "command, marked first, docker": ("payouts_by_command", "PAY_MARK", "first", "docker"),
    "command, marked last, docker": ("payouts_by_command", "PAY_MARK", "last", "docker"),
    "Redis, early, docker": ("payouts_by_queue", "PAY_ACKS", "early", "docker"),
    "Redis, late, docker": ("payouts_by_queue", "PAY_ACKS", "late", "docker"),
    "RabbitMQ, early, docker": ("payouts_by_rabbitmq", "PAY_ACKS", "early", "docker"),
    "RabbitMQ, late, docker": ("payouts_by_rabbitmq", "PAY_ACKS", "late", "docker"),
}


@FULL
@pytest.mark.engine
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("name", SAMPLES)
def test_the_command_reports_what_a_killed_worker_loses_or_does_twice(
    name: str, rehearse: Rehearse, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario, variable, value, stage = SAMPLES[name]
    monkeypatch.setenv(variable, value)
    words = ("--stage", stage, "--scales", "1", "--probes", "rerun", "--json")
    ended = rehearse("run", f"scenarios/{scenario}.py", *words, timeout=850)
    assert ended.returncode == 1, ended.stderr
    told = json.loads(ended.stdout)
    works = "batch" if scenario == "payouts_by_command" else "worker"
    killed = {one["code"] for one in told["findings"] if f"after {works} is killed" in one["title"].lower()}
    assert killed == {"ITEM-015" if value in ("first", "early") else "DUP-006"}
    unseen = [one for one in told["not_checked"] if works in one["probe"] and "killed" in one["probe"]]
    assert not unseen


@pytest.mark.timeout(240)
def test_a_rehearsal_holds_each_service_that_the_worker_calls_in_turn_but_not_the_broker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need_redis()
    every = pressing_again.experiments

    def kills(batch: str, downstreams: list[str]) -> list[Experiment]:
        return [one for one in every(batch, downstreams) if one.service == "worker"]

    monkeypatch.setattr(pressing_again, "experiments", kills)
    scenario = sample(monkeypatch, "payouts_by_queue", PAY_ACKS="late")
    record = hold_rehearsal(scenario, tmp_path / "run", "process", 16, probes=("rerun",))
    tried = {event.key: event.reached for event in record.all(PressedAgain)}
    assert tried == {"again-kill-worker": True, "again-kill-worker-at-ledger": True}
    assert [one.code for one in again.check(record) if isinstance(one, Finding)] == ["DUP-006"]


@pytest.mark.timeout(120)
def test_a_command_is_kept_like_a_request_and_has_no_walls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = sample(monkeypatch, "payouts_by_command", PAY_MARK="last")
    record = hold_rehearsal(scenario, tmp_path / "run", "process", 12, probes=("edges",))
    press = record.all(Pressed)[0]
    told = press.exchange
    assert (told.via, told.method, told.exit_code, told.sizes.fields) == ("command", "RUN", 0, 13)
    assert told.body == "12 people: done\n" and told.seconds > 0 and press.accepted and press.done == 12
    walls = next(one for one in record.all(NotSeen) if one.probe.startswith("request walls"))
    assert (walls.why, walls.decisive) == ("not a request: no walls to find", False)


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["python3", "-c", "raise SystemExit(3)"], "exit code 3"),
        (["no-such-program"], "`no-such-program` could not be started: No such file or directory"),
        (["true", "x" * 200_000], "Argument list too long"),
    ],
)
def test_a_command_that_ends_badly_before_anything_is_done_is_no_start(
    words: list[str], why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = sample(monkeypatch, "payouts_by_command")
    monkeypatch.setattr(type(scenario), "by_command", lambda self, live, users: live.batch.run(words))
    type(scenario).by_command.trigger_name = "a bad one"
    press = hold_rehearsal(scenario, tmp_path / "run", "process", 3).all(Pressed)[0]
    assert press.accepted is False and why in press.why


def test_the_one_that_works_on_messages_is_whoever_calls_their_broker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scenario = sample(monkeypatch, "payouts_by_queue")
    nothing = Sizes(line=0, target=0, head=0, body=0, fields=0)
    sent = Exchange(
        service="broker", method="PUBLISH", path="celery", sizes=nothing, status=None, via="queue"
    )
    assert worker(scenario, sent, scenario.services()) == "worker"


MESSAGES = ["first", b"\x00\xffbytes", "Zo\u00eb \U0001f980"]
ARRIVE = [b"first", b"\x00\xffbytes", "Zo\u00eb \U0001f980".encode()]


@contextmanager
def broker_of(scenario: Scenario, folder: Path, kind: str) -> Iterator[tuple[Client, RunningService]]:
    """The broker alone, as a scenario sees it, and as the stage has it."""
    alone = type("Alone", (Scenario,), {"usual": 1, "scales": (1,), "broker": type(scenario).broker})()
    with RecordWriter(folder) as record, opener(alone, kind)() as stage:
        play = Play(alone, SOURCE, [], time.monotonic() + 200, record, lambda text: None)
        yield Performance(play, stage).live.broker, stage.services["broker"]


def pushed(broker: Broker) -> None:
    """What must hold of plain messages on any broker."""
    told = broker.push("due", MESSAGES).exchange
    assert (told.via, told.method, told.path, told.fate, told.error) == (
        "queue",
        "PUBLISH",
        "due",
        "closed",
        "",
    )
    assert (told.sizes.fields, told.sizes.body, told.body) == (3, sum(map(len, ARRIVE)), "3 messages sent")
    assert broker.waiting("due") == 3 and broker.waiting("nobody's") == 0


def gone(broker: Broker, service: RunningService) -> None:
    """What is told where the broker is not there."""
    service.kill()
    told = broker.push("due", ["too late"]).exchange
    assert told.fate == "refused" and told.error.startswith("0 of 1 messages sent, then ")


@pytest.mark.timeout(120)
def test_plain_messages_wait_in_a_list_of_redis_the_first_at_the_right(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "process":
        need_redis()
    with broker_of(sample(monkeypatch, "payouts_by_queue"), tmp_path / "run", kind) as (client, service):
        broker = Redis(client)
        pushed(broker)
        with redis.Redis(*client.address) as line:
            assert [line.rpop("due") for _ in range(3)] == ARRIVE
            line.set("due", "no list")
        told = broker.push("due", ["a", "b"]).exchange
        assert told.error.startswith("0 of 2 messages sent, then ResponseError: WRONGTYPE"), told.error
        gone(broker, service)


@FULL
@pytest.mark.engine
@pytest.mark.timeout(200)
@pytest.mark.usefixtures("engine")
def test_plain_messages_wait_in_a_durable_queue_of_rabbitmq(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with broker_of(sample(monkeypatch, "payouts_by_rabbitmq"), tmp_path / "run", "docker") as (
        client,
        service,
    ):
        broker = RabbitMQ(client)
        pushed(broker)
        with kombu.Connection(broker.url) as line:
            channel = line.default_channel
            channel.queue_declare("due", durable=True, auto_delete=False)  # refused if it were not durable
            found = [channel.basic_get("due", no_ack=True) for _ in range(3)]
        assert [bytes(one.body) for one in found] == ARRIVE
        assert [one.properties["delivery_mode"] for one in found] == [2, 2, 2]
        gone(broker, service)
