"""What a scenario file may say, and how it is read."""

import pytest

from harness.errors import UsageError
from harness.model.scenario import Scenario, Service, parse_duration, parse_size, trigger


@pytest.mark.parametrize(
    ("text", "size"), [("512 MiB", 2**29), ("1.5GB", 1_500_000_000), ("4096", 4096), ("2 gib", 2**31)]
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text, what="memory") == size


@pytest.mark.parametrize("text", ["", "MiB", "12 MoB", "-1 MiB", "1 2"])
def test_a_size_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="memory"):
        parse_size(text, what="memory")


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("45s", 45), ("1h30m", 5400), ("4h", 14400), ("1.5m", 90)]
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text, what="deadline") == seconds


@pytest.mark.parametrize("text", ["", "soon", "4 hours", "h", "1h-3m"])
def test_a_duration_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="deadline"):
        parse_duration(text, what="deadline")


class Two(Scenario):
    front = Service(port=80, image="front")
    ledger = Service(port=81, image="ledger")
    batch = Service(port=82, image="batch", calls=[ledger])
    gate = Service(port=83, image="gate", fronts=batch)

    @trigger("second in the alphabet")
    def b(self, live, users): ...

    @trigger("first in the alphabet")
    def a(self, live, users): ...


def test_a_service_starts_behind_those_it_calls_and_its_gateway_behind_it() -> None:
    order = list(Two.services())
    assert order.index("ledger") < order.index("batch") < order.index("gate")


def test_triggers_keep_the_order_in_which_they_are_written() -> None:
    assert [found.method for found in Two.triggers()] == ["b", "a"]


def test_a_variant_replaces_the_environment_and_keeps_the_name() -> None:
    class Variant(Two):
        ledger = Two.ledger.with_env(BROKEN="no")

    assert Variant.services()["ledger"].env == {"BROKEN": "no"}
    assert Two.services()["ledger"].env == {}


def test_services_that_call_each_other_are_refused() -> None:
    class Circle(Scenario):
        a = Service(port=1, image="a")
        b = Service(port=2, image="b", calls=[a])

    Circle.a.calls = [Circle.b]
    with pytest.raises(UsageError, match="circle"):
        Circle.services()
