"""A rehearsal on Podman's Docker-compatible socket: an engine of its own, with storage of its own (`make podman`)."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from harness.model.events import NotSeen, ServiceEnded
from harness.model.record import Record
from harness.stage import Engine
from harness.stage.base_image import TAG, base_image
from harness.stage.watchdog import OWNER_LABEL, things
from tests.conftest import Rehearse
from tests.end_to_end.errands import rehearsed, variant
from tests.faults.toys import until

pytestmark = [
    pytest.mark.engine,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not os.environ.get("PODMAN"), reason="only with PODMAN=1: make podman"),
]


@pytest.fixture(scope="module")
def podman(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[docker.DockerClient]:
    if os.geteuid() or not shutil.which("podman"):
        pytest.fail("it needs root and podman (apt-get install podman)")
    folder = tmp_path_factory.mktemp("podman")
    limits = '["nofile=4096:4096", "nproc=4096:4096"]'  # its own defaults may be more than a machine gives
    (folder / "containers.conf").write_text(f"[containers]\ndefault_ulimits = {limits}\n")
    socket = f"unix://{folder}/socket"
    words = ["podman", "--root", str(folder / "root"), "--runroot", str(folder / "run")]
    service = subprocess.Popen(
        [*words, "system", "service", "--time=0", socket],
        cwd=folder,  # its conmon leaves files where it was started
        env={**os.environ, "CONTAINERS_CONF": str(folder / "containers.conf")},
        stderr=(folder / "log").open("wb"),
    )
    try:
        assert until((folder / "socket").exists, 30), (folder / "log").read_text()
        client = docker.DockerClient(base_url=socket, timeout=120)
        assert base_image(engine.client, TAG) == TAG
        client.images.load(b"".join(engine.client.images.get(TAG).save(named=True)))
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DOCKER_HOST", socket)
            yield client
    finally:
        service.terminate()
        service.wait(30)
        subprocess.run([*words, "system", "reset", "--force"], check=False, capture_output=True)


def test_a_rehearsal_on_podman_comes_to_its_verdict_and_leaves_nothing(
    podman: docker.DockerClient, rehearse: Rehearse, tmp_path: Path
) -> None:
    report = rehearsed(rehearse, variant(tmp_path), "--probes", "none", "--tap", "on", stage="docker")
    assert (report["verdict"], report["exit"]) == ("ready", 0), report
    record = Record(tmp_path / "reports/errands/latest")
    told = {event.probe: event.decisive for event in record.all(NotSeen)}
    assert told["how much shop logs"] is False, "what Podman drops of a log cannot be told"
    assert record.table("exchanges-1")["service"], "the tap heard it"
    assert not things(podman, OWNER_LABEL)


def test_whether_memory_killed_a_service_is_not_guessed(
    podman: docker.DockerClient, rehearse: Rehearse, tmp_path: Path
) -> None:
    scenario = variant(tmp_path, shop="SHOP_HANG=grow:9 SHOP_BOOK=/tmp/book")
    report = rehearsed(rehearse, scenario, "--probes", "none", stage="docker")
    ends = Record(tmp_path / "reports/errands/latest").all(ServiceEnded)
    assert {(end.service, end.exit_code) for end in ends} == {("shop", 137)}
    assert {end.oom_killed for end in ends} <= {True, None}
    assert report["exit"] == 1
    assert not things(podman, OWNER_LABEL)
