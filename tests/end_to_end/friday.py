"""Rehearsals of variants of the sample system, held in this process so that a test can look at the record."""

from __future__ import annotations

import time
from pathlib import Path

from harness.drive.desk import Desk
from harness.drive.play import Play
from harness.loading import Loaded
from harness.model.events import Ended
from harness.model.record import Record, RecordWriter
from harness.model.scenario import Scenario
from harness.model.stage import OpenStage
from harness.plan import Plan
from harness.population import Population
from harness.probes.items import write_expected
from harness.probes.rerun import experiments, hold
from harness.rehearsal import rehearse
from harness.stage import build_images, container_stage, need_engine, process_stage
from scenarios.friday_payouts import FridayPayouts
from tests.checks.books import manifest
from tests.conftest import ROOT

SOURCE = ROOT / "scenarios/friday_payouts.py"


class Nobody:
    """Watches nothing."""

    def say(self, text: str) -> None:
        pass

    def so_far(self) -> None:
        pass


def variant(*, payouts: dict[str, str], batch: dict[str, str], **attributes: object) -> Scenario:
    """The sample with other switches: without its own defects, unless they are named."""
    healthy = {"PAYOUTS_LEAK_BYTES": "0", "PAYOUTS_REJECTS": "none"}
    body = {
        "payouts": FridayPayouts.payouts.with_env(**healthy | payouts),
        "batch": FridayPayouts.batch.with_env(**{"BATCH_ON_FAILURE": "skip"} | batch),
        "__doc__": "A variant of the sample.",
        "begins": "0.5s",  # it begins at once: a press that moves nothing need not be waited for
    }
    return type("Variant", (FridayPayouts,), body | attributes)()


def opener(scenario: Scenario, kind: str) -> OpenStage:
    """What opens a stage of that kind."""
    if kind == "process":
        return lambda tapped=(): process_stage(scenario, ROOT, tapped)
    engine = need_engine()
    images = build_images(engine, scenario, ROOT)
    return lambda tapped=(): container_stage(engine, scenario, images, ROOT, tapped)


def hold_rehearsal(
    scenario: Scenario,
    folder: Path,
    kind: str,
    users: int,
    *,
    probes: tuple[str, ...] = (),
    scales: tuple[int, ...] = (1,),
) -> Record:
    """One scale of `users`, or several, and the record of it."""
    loaded = Loaded(scenario, "friday", SOURCE, ROOT, None)
    plan = Plan(users, scales, 1, time.monotonic() + 300, kind, "asked for", {}, probes)
    with RecordWriter(folder) as record:
        rehearse(loaded, plan, Population(1), opener(scenario, kind), record, Nobody())
        record.event(Ended(status="completed", why="", seconds=1.0, harness_cpu=0.1))
    return Record(folder)


def press_again(
    scenario: Scenario,
    folder: Path,
    kind: str,
    users: int,
    *keys: str,
    works: tuple[str, list[str]] = ("batch", ["payouts"]),
) -> Record:
    """The experiments with these keys alone, on a stage each, and the record of them."""
    people = Population(1).users(users)
    with RecordWriter(folder) as record:
        record.manifest(manifest([1], users))
        record.rows("intended", item=[user.id for user in people])
        write_expected(scenario.expected, people, record)
        play = Play(scenario, SOURCE, people, time.monotonic() + 300, record, lambda text: None)
        chosen = [experiment for experiment in experiments(*works) if experiment.key in keys]
        assert len(chosen) == len(keys)
        for experiment in chosen:
            with opener(scenario, kind)() as stage:
                hold(experiment, Desk(play, stage, scenario.triggers()[-1], users), record, "everyone")
        record.event(Ended(status="completed", why="", seconds=1.0, harness_cpu=0.1))
    return Record(folder)
