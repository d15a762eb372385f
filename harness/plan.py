"""What a rehearsal is asked to do, and how run.json tells of it."""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Literal

import psutil

from harness.loading import Loaded
from harness.model.people import People
from harness.model.phases import Enter, unbounded
from harness.model.record import Manifest, RecordWriter, ServiceFacts
from harness.model.scenario import StageKind
from harness.under_load import Hands, ways

PROBES = ("edges", "causes", "rerun", "memory", "lines", "load")
ALL_PROBES = (*PROBES, "faults", "oom")
PACKAGES = ("rehearse", "faker", "docker", "testcontainers", "numpy")


@dataclass(frozen=True)
class Plan:
    """One rehearsal as it was asked for: the usual number of users, the scales, the seed, the end of the time budget
    (monotonic clock), the kind of stage and why that one, the images by service, the probes of act two, and whether
    a tap listens in act one: auto where the scenario has no effects(), as nobody else then sees what was done.
    `within` are the limits of phases that were asked for, in seconds; `phase` enters one while its clock is kept.
    `hands` plays the load; None: as a rehearsal does by itself."""

    usual: int
    scales: tuple[int, ...]
    seed: int
    deadline: float
    stage: StageKind
    stage_why: str
    images: dict[str, str] = field(default_factory=dict)
    probes: tuple[str, ...] = PROBES
    tap: Literal["auto", "on", "off"] = "auto"
    hands: Hands | None = None
    within: Mapping[str, float] = field(default_factory=dict)
    phase: Enter = unbounded


def manifest(loaded: Loaded, plan: Plan, people: People, record: RecordWriter) -> Manifest:
    """run.json of this plan."""
    services = {
        name: service for name, service in loaded.scenario.services().items() if service.on(plan.stage)
    }
    fronts = {service.fronts.name: name for name, service in services.items() if service.fronts}
    return Manifest(
        scenario=loaded.name,
        source=loaded.source.relative_to(loaded.root).as_posix(),
        summary=(type(loaded.scenario).__doc__ or "").strip().split("\n")[0],
        run=record.folder.name,
        seed=plan.seed,
        population=people.describe(),
        usual=plan.usual,
        scales=list(plan.scales),
        deadline=loaded.deadline,
        stage=plan.stage,
        stage_why=plan.stage_why,
        triggers=ways(loaded.scenario, plan.hands),
        services=[
            ServiceFacts(
                name=name,
                memory_limit=service.memory_bytes,
                image=plan.images.get(name, "process"),
                entry=fronts.get(name, name),
            )
            for name, service in services.items()
        ],
        versions={name: version(name) for name in PACKAGES},
        machine={
            "system": platform.platform(),
            "python": platform.python_version(),
            "cpus": psutil.cpu_count() or 0,
            "memory": psutil.virtual_memory().total,
        },
        started=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    )
