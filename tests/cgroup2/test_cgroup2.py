"""What a rehearsal sees of containers in control groups of version 2 (`make cgroup2`, in a machine of its own)."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.model.record import Record
from harness.probes.own_cpu import OwnShare
from harness.stage import Engine, build_images, container_stage
from harness.stage.agent_channel import NoAgent
from harness.stage.base_image import base_image
from harness.stage.container_service import ContainerService
from harness.stage.leash import stand_by
from harness.stage.memory_files import Cgroup
from harness.stage.watchdog import OWNER_LABEL, things
from tests.conftest import ROOT, Rehearse
from tests.end_to_end.errands import rehearsed, variant
from tests.toy.errand_scenario import Errands

pytestmark = [
    pytest.mark.engine,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(not os.environ.get("CGROUP2"), reason="only with CGROUP2=1: make cgroup2"),
]
GROUPS = Path("/sys/fs/cgroup")
MIB = 2**20
HOLDS = """
import mmap, signal
kept = b"x" * (40 << 20)
shared = mmap.mmap(-1, 8 << 20)
shared.write(b"x" * (8 << 20))
open("/var/tmp/cached", "wb").write(bytes(16 << 20))
print("ready", flush=True)
signal.pause()
"""
SPINS = "while True: pass"


def test_before_the_first_container_the_doctor_says_that_memory_is_seen(rehearse: Rehearse) -> None:
    """The first test of all here: the engine has not made a group yet."""
    rows = {row["what"]: row for row in json.loads(rehearse("doctor", "--json").stdout)}
    assert rows["container engine"]["seen"].endswith("cgroup v2")
    assert rows["container memory"]["good"], rows["container memory"]
    assert rows["base image"]["good"] and rows["leftovers"]["good"]


def test_the_engine_and_this_machine_have_version_2_alone(engine: Engine) -> None:
    assert engine.client.info()["CgroupVersion"] == "2"
    assert engine.cgroup == "v2"
    assert "memory" in (GROUPS / "cgroup.controllers").read_text().split()
    assert not (GROUPS / "memory").exists()


@pytest.fixture
def running(engine: Engine, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A container of 96 MiB that runs this text."""
    container = engine.client.containers.run(
        base_image(engine.client, "python:3.12-slim"),
        ["python3", "-c", request.param],
        detach=True,
        mem_limit="96m",
        memswap_limit="96m",
        labels={OWNER_LABEL: stand_by()},
    )
    yield container
    container.remove(force=True)


@pytest.mark.parametrize("running", [HOLDS], indirect=True)
def test_what_a_container_holds_is_told_without_its_page_cache(running: Any) -> None:
    for told in running.logs(stream=True, follow=True):
        assert told.strip() == b"ready"
        break
    running.reload()
    group = Cgroup(running.attrs["State"]["Pid"])
    reading = group.reading(deep=True)
    assert reading is not None and reading.source == "cgroup v2"
    assert 48 * MIB <= reading.held <= 64 * MIB
    assert 8 * MIB <= reading.shared <= 9 * MIB
    assert reading.usage == pytest.approx(int((group.folder / "memory.current").read_text()), abs=MIB)
    assert (reading.usage or 0) - reading.held > 8 * MIB, "the page cache is in use, and not held"
    assert reading.limit == 96 * MIB == int((group.folder / "memory.max").read_text())
    passing = group.reading(deep=False)
    assert passing is not None and passing.held == pytest.approx(reading.held, abs=4 * MIB)


@pytest.mark.parametrize("running", [SPINS], indirect=True)
def test_the_cpu_that_a_container_used_is_seen(running: Any) -> None:
    service = ContainerService(Errands.shop, running, "image", NoAgent())
    with OwnShare([service]) as share:
        time.sleep(2)
    assert share.seen.services_cpu > 0.2 * share.seen.seconds
    assert share.seen.services_waited >= 0


def test_the_limits_of_a_scenario_are_those_of_the_groups_and_all_groups_go(engine: Engine) -> None:
    with container_stage(engine, Errands(), build_images(engine, Errands(), ROOT), ROOT) as stage:
        folders = [Cgroup(service.pids()[0]).folder for service in stage.services.values()]
        assert [(folder / "memory.max").read_text().strip() for folder in folders] == [str(64 * MIB)] * 2
        assert [service.memory(deep=True).limit for service in stage.services.values()] == [64 * MIB] * 2
        assert {folder.parent for folder in folders} == {GROUPS / "docker"}
    assert not [folder for folder in folders if folder.exists()]
    assert not things(engine.client, OWNER_LABEL)


def test_a_healthy_batch_is_ready_and_nothing_stays(
    engine: Engine, rehearse: Rehearse, tmp_path: Path
) -> None:
    report = rehearsed(rehearse, variant(tmp_path), "--probes", "none", "--tap", "on", stage="docker")
    assert (report["verdict"], report["exit"]) == ("ready", 0), report
    record = Record(tmp_path / "reports/errands/latest")
    assert set(record.table("memory-1")["source"]) == {"cgroup v2"}
    assert not things(engine.client, OWNER_LABEL)


def test_a_worker_that_is_killed_under_its_master_is_told(
    engine: Engine, rehearse: Rehearse, tmp_path: Path
) -> None:
    shop = "SHOP_FORKS=1 SHOP_HANG=grow:9 SHOP_BOOK=/tmp/book"
    report = rehearsed(rehearse, variant(tmp_path, shop=shop), "--probes", "none", stage="docker")
    found = report["codes"]["MEM-003"]
    assert found["service"] == "shop" and "looks alive" in found["title"]
    assert report["exit"] == 1
    assert not things(engine.client, OWNER_LABEL)
