"""The container of the Kubernetes manifest, in an engine: image, arguments, limits, on a network of its own.

What a cluster adds (scheduling, the Job's own counting) is not in it. `FULL=1` runs it: its image takes a minute.
"""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.model.load import LoadPlayed
from harness.model.record import Record
from harness.model.service import Build, Service
from harness.stage import Engine
from harness.stage.images import image_for
from tests.conftest import ROOT, Rehearse
from tests.load.test_rehearsals import SCENARIO

pytestmark = [
    pytest.mark.engine,
    pytest.mark.timeout(600),
    pytest.mark.skipif("FULL" not in os.environ, reason="builds an image with Locust: FULL=1"),
]
PODS = 2


@pytest.fixture
def image(engine: Engine, tmp_path: Path) -> str:
    """Built from what the Dockerfile copies."""
    context = tmp_path / "rehearse-load"
    shutil.copytree(ROOT / "harness", context / "harness", ignore=shutil.ignore_patterns("__pycache__"))
    (context / "docs/kubernetes").mkdir(parents=True)
    for name in ("pyproject.toml", "constraints.txt", "README.md", "docs/kubernetes/Dockerfile"):
        shutil.copy(ROOT / name, context / name)
    worker = Service(build=Build(".", dockerfile="docs/kubernetes/Dockerfile"), port=0, name="worker")
    return image_for(engine.client, worker, context)


@pytest.fixture
def network(engine: Engine) -> Iterator[Any]:
    made = engine.client.networks.create(f"rehearse-pods-{os.getpid()}", labels={"rehearse.test": "pods"})
    made.reload()
    yield made
    made.remove()


def options(master: str, port: int) -> dict[str, Any]:
    """What the manifest says of its container, in the words of an engine."""
    job = yaml.safe_load((ROOT / "docs/kubernetes/load-workers.yaml").read_text())
    (container,) = job["spec"]["template"]["spec"]["containers"]
    secure, limits = container["securityContext"], container["resources"]["limits"]
    assert secure["runAsNonRoot"] and not secure["allowPrivilegeEscalation"]
    words = [master if word == "$(MASTER)" else word for word in container["args"]]
    words[words.index("--port") + 1] = str(port)
    return {
        "command": words,
        "user": str(secure["runAsUser"]),
        "read_only": secure["readOnlyRootFilesystem"],
        "cap_drop": secure["capabilities"]["drop"],
        "security_opt": ["no-new-privileges"],
        "mem_limit": limits["memory"].replace("Mi", "m"),
        "nano_cpus": int(limits["cpu"]) * 10**9,
        "tmpfs": {mount["mountPath"]: "size=64m,mode=1777" for mount in container["volumeMounts"]},
    }


def test_the_manifests_container_joins_a_load_and_each_user_is_sent_once(
    engine: Engine, image: str, network: Any, rehearse: Rehearse, tmp_path: Path
) -> None:
    here = network.attrs["IPAM"]["Config"][0]["Gateway"]
    with socket.create_server((here, 0)) as free:
        port = free.getsockname()[1]
    with ExitStack() as stack:
        pods = []
        for _ in range(PODS):
            asked = options(here, port)
            pods.append(engine.client.containers.run(image, detach=True, network=network.name, **asked))
            stack.callback(pods[-1].remove, force=True)
        words = ["--workers", str(PODS), "--here", "0", "--bind", "0.0.0.0", "--port", str(port)]
        run = rehearse("load", f"{SCENARIO}:Wide", "--stage", "process", "--reach", here, *words)
        ends = [(pod.wait(timeout=60)["StatusCode"], pod.logs().decode()) for pod in pods]
    assert [code for code, _ in ends] == [0] * PODS, ends
    assert "READY" in run.stdout or run.returncode == 3, run.stderr
    record = Record(tmp_path / "reports" / "scenario" / "latest")
    (items,) = record.all(LoadPlayed)
    assert (items.steps[0].asked, items.steps[0].ok) == (60, 60)
    assert set(record.table("load-1")["worker"]) == {1, 2}, "both pods sent some"
    assert sorted(record.table("load-1")["item"]) == sorted(record.table("effects-1")["item"])
