"""One side of a comparison: what was rehearsed on what, and each measure with a value for every repeat."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import msgspec
import numpy as np
from msgspec import Struct

from harness.errors import CannotTell
from harness.measures import series
from harness.measures.law import timed
from harness.model.events import Pressed, WallSeen
from harness.model.finding import SEVERITIES, Verdict
from harness.model.record import Manifest, Record

Kind = Literal["time", "memory", "wall", "presses", "failures"]
OWN = ("rehearse", "faker")
GIB = 2**30


class Setting(Struct, frozen=True, kw_only=True):
    """What must be equal for two runs to be compared: the users, the scales, the class of machine, our versions."""

    scenario: str
    users: dict[str, Any]
    scales: list[int]
    machine: dict[str, str | int]
    versions: dict[str, str]


class Measure(Struct, frozen=True):
    """One number, measured once in every repeat. `least`: a change below it is nothing, whatever its share.
    `extra`: it sharpens another number, and is left out where one of the sides does not have it."""

    kind: Kind
    values: list[float]
    least: float = 0.0
    extra: bool = False


class Side(Struct, frozen=True, kw_only=True):
    """Repeats of one state of the system. `heavy`: findings from high up that any repeat had, title by id."""

    setting: Setting
    runs: list[str]
    measures: dict[str, Measure]
    heavy: dict[str, str]


def side(record: Record, verdict: Verdict) -> Side:
    """One run, as one repeat."""
    heavy = SEVERITIES[:2]
    return Side(
        setting=_setting(record.manifest),
        runs=[record.manifest.run],
        measures=dict(_measures(record)),
        heavy={finding.id: finding.title for finding in verdict.findings if finding.severity in heavy},
    )


def joined(sides: Sequence[Side]) -> Side:
    """Repeats as one side. Raises CannotTell where they are not of one setting."""
    first = sides[0]
    for other in sides[1:]:
        same_setting(first, other)
    names = dict.fromkeys(name for each in sides for name in each.measures)
    measures = {}
    for name in names:
        parts = [each.measures[name] for each in sides if name in each.measures]
        measures[name] = msgspec.structs.replace(parts[0], values=[v for part in parts for v in part.values])
    return Side(
        setting=first.setting,
        runs=[run for each in sides for run in each.runs],
        measures=measures,
        heavy={id_: title for each in sides for id_, title in each.heavy.items()},
    )


def same_setting(one: Side, other: Side) -> None:
    """Raises CannotTell where two sides are not of one setting."""
    a, b = msgspec.to_builtins(one.setting), msgspec.to_builtins(other.setting)
    differ = [name for name in a if a[name] != b[name]]
    if differ:
        told = "; ".join(f"{name}: {a[name]} and {b[name]}" for name in differ)
        raise CannotTell(
            f"runs {one.runs[0]} and {other.runs[0]} cannot be compared, they differ in {told}",
            expected="the same scenario, users, scales, class of machine and version of rehearse",
            fix="rehearse again as the other run was held, or accept a new baseline",
        )


def _setting(manifest: Manifest) -> Setting:
    machine = manifest.machine
    return Setting(
        scenario=manifest.scenario,
        users={**manifest.population, "seed": manifest.seed, "usual": manifest.usual},
        scales=manifest.scales,
        machine={
            "stage": manifest.stage,
            "system": str(machine.get("system", "")).split("-")[0],
            "cpus": machine.get("cpus", 0),
            "GiB": round(int(machine.get("memory", 0)) / GIB),
        },
        versions={name: manifest.versions.get(name, "") for name in OWN},
    )


def _measures(record: Record) -> Iterator[tuple[str, Measure]]:
    for run in timed(record):
        least, worked = 0.2 / run.users, series.own_work(record, run.scale)
        yield f"seconds a user at {run.scale}x", Measure("time", [run.seconds / run.users], least)
        best = series.at_its_best(worked) if worked else None
        if best is not None:
            yield f"seconds a user at {run.scale}x, at its best", Measure("time", [best], least, extra=True)
        yield f"presses at {run.scale}x", Measure("presses", [float(run.presses)], 1.0)
        said = record.table(f"items-{run.scale}").get("said", [])
        yield f"users that fail at {run.scale}x", Measure("failures", [float(said.count("failed"))], 1.0)
    for service in record.manifest.services:
        found = _memory(record, service.name)
        if found is not None:
            yield f"bytes a user kept by {service.name}", found
    for trigger, users in _carried(record).items():
        yield f"users carried by {trigger!r}", Measure("wall", [float(users)])


def _memory(record: Record, service: str) -> Measure | None:
    """The slope over the second half of the largest scale that was read; what adds less than 1 MiB is nothing."""
    for scale in reversed(record.manifest.scales):
        held = series.memory(record, scale, service)
        if held is None:
            continue
        x, y = held
        keep = x >= (x[0] + x[-1]) / 2
        if keep.sum() < 8 or np.ptp(x[keep]) == 0:
            return None
        return Measure("memory", [float(np.polyfit(x[keep], y[keep], 1)[0])], 2**20 / float(x[-1] or 1))
    return None


def _carried(record: Record) -> dict[str, int]:
    """The most users that each trigger was seen to carry; its nearest edge where walls were found."""
    carried: dict[str, int] = {}
    for press in record.all(Pressed):
        if press.press == 1 and press.accepted is not None:
            users = press.users if press.accepted else 0
            carried[press.trigger] = max(users, carried.get(press.trigger, 0))
    edges: dict[str, int] = {}
    for wall in (seen.wall for seen in record.all(WallSeen)):
        if wall.users is not None and wall.users.last_passing is not None:
            nearest = edges.get(wall.trigger, wall.users.last_passing)
            edges[wall.trigger] = min(nearest, wall.users.last_passing)
    return carried | edges
