"""A real run into the memory limit: the kernel kills where it was foretold, and the users in work then are judged."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness import growth
from harness.checks import again, memory
from harness.model.events import NotSeen, PressedAgain, ScaleDone
from harness.model.finding import Finding
from harness.model.growth import FedOn, RanIntoLimit
from harness.model.record import Record
from harness.model.scenario import Scenario
from scenarios.friday_payouts import FridayPayouts
from tests.end_to_end.friday import hold_rehearsal

LEAK = {"PAYOUTS_LEAK_BYTES": "65536", "PAYOUTS_REJECTS": "none"}


class Leaking(Scenario):
    """The sample's batch and its payouts, which keep 64 KiB of each user under a limit of 64 MiB."""

    usual, quiet, patience = 300, "0.5s", "30s"
    population = FridayPayouts.population
    payouts = replace(FridayPayouts.payouts.with_env(**LEAK), memory="64 MiB")
    batch = replace(FridayPayouts.batch.with_env(BATCH_ON_FAILURE="skip", BATCH_DB_HOST=""), calls=[payouts])
    seed, everyone, outcomes = FridayPayouts.seed, FridayPayouts.everyone, FridayPayouts.outcomes
    effects, expected, progress = FridayPayouts.effects, FridayPayouts.expected, FridayPayouts.progress
    _log_in = FridayPayouts._log_in


class Unhurried(Leaking):
    """The same, but each user takes some milliseconds: a quick machine too sees it grow before it is over."""

    payouts = Leaking.payouts.with_env(PAYOUTS_DELAY_MS="6")
    batch = replace(Leaking.batch, calls=[payouts])


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory, engine: object) -> Record:
    return hold_rehearsal(
        Unhurried(), tmp_path_factory.mktemp("limit") / "run", "docker", 300, probes=("oom",)
    )


@pytest.mark.engine
@pytest.mark.timeout(300)
def test_the_kernel_kills_where_it_was_foretold_and_the_record_compares_both(killed: Record) -> None:
    (run,) = killed.all(RanIntoLimit)
    # The counter goes with its group: of a container that ends at once it may have been read too late.
    assert set(run.seen_by) - {"counter"} == {"event", "exit code", "process"}
    assert run.items == pytest.approx(run.foretold[0], rel=0.1)
    assert run.users > 300 and killed.has("limit-payouts")
    (finding,) = (f for f in memory.check(killed) if isinstance(f, Finding))
    told = [proof.text for proof in finding.evidence if "real run into the limit" in proof.text]
    assert len(told) == 1 and "foretold from 1x" in told[0]


@pytest.mark.engine
def test_the_users_in_work_at_the_kill_are_judged(killed: Record) -> None:
    (pressed,) = killed.all(PressedAgain)
    assert (pressed.kind, pressed.service, pressed.reached) == ("oom", "payouts", True)
    assert not [each for each in again.check(killed) if isinstance(each, NotSeen)]
    items = killed.table(f"items-{pressed.key}")["item"]
    assert len(items) == pressed.users == len(killed.table("intended")["item"])


@pytest.fixture(scope="module")
def unlimited(tmp_path_factory: pytest.TempPathFactory) -> Record:
    folder = tmp_path_factory.mktemp("fed") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(growth, "FEED_SHARE", 1.0)  # however slow this machine is
        return hold_rehearsal(Leaking(), folder, "process", 300, probes=("memory", "oom"))


def test_a_stage_without_limits_says_that_nothing_was_confirmed(unlimited: Record) -> None:
    assert unlimited.all(RanIntoLimit) == []
    assert any("not one to be filled to a limit" in gap.why for gap in unlimited.all(NotSeen))


def test_what_300_users_leave_undecided_is_decided_by_more_users(unlimited: Record) -> None:
    (fed,) = unlimited.all(FedOn)
    assert (fed.services, fed.users) == (["payouts"], 1150)
    word = memory.words(unlimited)["memory of payouts"]
    assert word.startswith("leak: ")
    assert int(word.split()[1].replace(",", "")) == pytest.approx(65_536, rel=0.15)
    assert [done.users for done in unlimited.all(ScaleDone)] == [300]
