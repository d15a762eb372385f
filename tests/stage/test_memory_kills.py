"""Whether memory ended a container, where the engine's flag is late: as Docker 20.10 tells it with cgroup v2."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from harness.stage import memory_kills
from harness.stage.agent_channel import NoAgent
from harness.stage.container_service import ContainerService
from tests.toy.errand_scenario import Errands

OOM = b'{"Type":"container","Action":"oom"}\n'


class Api:
    """An engine that tells one more of these each time it is asked, and the last of them from then on."""

    def __init__(self, *told: bytes) -> None:
        self.told, self.asked = told, 0

    def events(self, **filters: object) -> list[bytes]:
        self.asked += 1
        return [self.told[min(self.asked, len(self.told)) - 1]]

    def version(self) -> dict[str, Any]:
        return {"Components": [{"Name": "Engine"}]}


def ended(api: Api, *, code: int = 137) -> ContainerService:
    """A service whose container has ended, without the flag."""
    container = SimpleNamespace(
        id="c",
        client=SimpleNamespace(api=api),
        attrs={
            "State": {"Pid": 0, "Running": False, "OOMKilled": False, "ExitCode": code},
            "NetworkSettings": {"Ports": {}},
        },
        reload=lambda: None,
        kill=lambda: None,
        wait=lambda timeout: None,
        start=lambda: None,
    )
    return ContainerService(Errands.shop, container, "image", NoAgent())


def for_memory(service: ContainerService) -> bool | None:
    ending = service.ending()
    assert ending is not None
    return ending.oom_killed


def test_an_event_that_comes_after_the_end_is_waited_for() -> None:
    api = Api(b"", b"", OOM)
    service = ended(api)
    assert for_memory(service) is True
    assert for_memory(service) is True and api.asked == 3, "it is asked for once"


def test_without_an_event_memory_was_not_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_kills, "HEARD_WITHIN", 0.0)
    assert for_memory(ended(Api(b""))) is False


def test_who_ended_by_itself_or_was_killed_by_the_harness_is_not_asked_about() -> None:
    api = Api(OOM)
    assert for_memory(ended(api, code=1)) is False
    service = ended(api)
    service.kill()
    assert for_memory(service) is False
    assert api.asked == 0


def test_a_kill_in_the_life_before_is_not_one_in_this(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_kills, "HEARD_WITHIN", 0.0)
    service = ended(Api(OOM))
    assert for_memory(service) is True
    monkeypatch.setattr(service, "wait", lambda: None)
    service.revive()
    assert for_memory(service) is False
