"""Whole rehearsals with a downstream on Node and on a JVM: a leak is found, and a healthy one is not accused.

FULL=1 holds all four; else it is the leak on Node.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from harness.checks import memory
from harness.model.finding import Finding
from harness.model.growth import FedOn
from harness.model.record import Record
from harness.model.scenario import Scenario
from harness.model.service import Process, Service
from tests.conftest import ROOT
from tests.end_to_end.friday import hold_rehearsal
from tests.toy.errand_scenario import Errands

FIXTURE = ROOT / "fixtures/memory"
NEEDS = {"node": "node", "jvm": "javac"}
USERS, LEAK = 4000, 16384
CASES = [("node", LEAK), *([("jvm", 0), ("node", 0), ("jvm", LEAK)] if "FULL" in os.environ else [])]


def command(runtime: str, scratch: Path) -> str:
    if runtime == "node":
        return "node --max-old-space-size=256 service.js {port}"
    subprocess.run(["javac", "-d", scratch, FIXTURE / "Service.java"], check=True)
    return f"java -Xmx96m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp {scratch} Service {{port}}"


def scenario(runtime: str, leak: int, scratch: Path) -> Scenario:
    """The errand, paid at the yardstick of that runtime."""
    shop = Service(
        image="unused",
        port=8000,
        ready="/health",
        memory="192 MiB",
        env={"MEMORY_LEAK_BYTES": str(leak)},
        process=Process(command=command(runtime, scratch), cwd="fixtures/memory"),
    )
    batch = replace(Errands.batch, calls=[shop], env={"SHOP_URL": "{shop.url}/item"})
    body = {
        "shop": shop,
        "batch": batch,
        "usual": USERS,
        "effects": Scenario.effects,
        "__doc__": "Other runtimes.",
    }
    return type("Elsewhere", (Errands,), body)()


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0]}-{case[1]}")
def held(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, int, Record]:
    runtime, leak = request.param
    if not shutil.which(NEEDS[runtime]):
        pytest.skip(f"needs {NEEDS[runtime]}")
    made = scenario(runtime, leak, tmp_path)
    return runtime, leak, hold_rehearsal(made, tmp_path / "run", "process", USERS, probes=("memory",))


@pytest.mark.timeout(300)
def test_a_leak_is_found_and_its_recipe_told_and_a_healthy_service_is_not_accused(
    held: tuple[str, int, Record],
) -> None:
    runtime, leak, record = held
    found = [each for each in memory.check(record) if isinstance(each, Finding)]
    findings = [
        each for each in found if each.service == "shop"
    ]  # the batch does keep what it did for each item
    if not leak:
        assert findings == []
        assert not memory.words(record)["memory of shop"].startswith("leak")
        return
    (finding,) = findings
    assert finding.code == "MEM-001"
    size = memory.growing(record)[
        "shop"
    ]  # V8 takes its heap in strides, far ahead of what some thousand items keep
    assert leak / 2 < size < (3 if runtime == "node" else 1.5) * leak
    assert any(proof.kind == "recipe" and proof.text.startswith(runtime) for proof in finding.evidence)
    assert memory.words(record)["memory of shop"].startswith("leak")
    assert len(record.all(FedOn)) <= 2
