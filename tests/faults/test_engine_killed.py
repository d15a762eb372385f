"""R6: the engine is killed and started again within a run. It is an engine of its own, in a network namespace of its
own: the machine's engine, its containers and its bridges are not touched."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import docker
import psutil
import pytest

from harness.loading import load
from harness.stage import Engine, build_images
from tests.conftest import ROOT
from tests.faults.herd import Herd
from tests.faults.rows import Row, Trial
from tests.faults.toys import Toy, toys, until

R6 = Row("R6")
AWAY = 120.0
pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]


@dataclass
class Apart:
    """An engine in a network namespace that `holder` keeps open; `inside` are the words that enter it."""

    folder: Path
    holder: subprocess.Popen[bytes]
    daemon: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> str:
        """Where it listens."""
        return f"unix://{self.folder}/socket"

    @property
    def inside(self) -> list[str]:
        """Words before a command that runs beside the engine. Never the machine's own network: an engine without a
        bridge of its own would take away that of the machine's."""
        namespace = Path(f"/proc/{self.holder.pid}/ns/net")
        assert namespace.readlink() != Path("/proc/self/ns/net").readlink()
        return ["nsenter", f"--net={namespace}"]

    def start(self) -> docker.DockerClient:
        """Starts it, also after a kill, and returns once it answers."""
        words = ["dockerd", "--data-root", "data", "--exec-root", "exec", "--pidfile", "pid"]
        words += ["-H", self.socket, "--bridge=none", "--iptables=false"]
        words = [f"{self.folder}/{word}" if word in ("data", "exec", "pid") else word for word in words]

        def answers() -> bool:
            if self.daemon is None or self.daemon.poll() is not None:  # again, as a machine's init would
                with (self.folder / "log").open("ab") as log:
                    self.daemon = subprocess.Popen(
                        [*self.inside, *words], stdout=log, stderr=log, start_new_session=True
                    )
            with suppress(docker.errors.DockerException):
                docker.DockerClient(base_url=self.socket).close()
                return True
            return False

        assert until(answers, 180), (self.folder / "log").read_text()[-2000:]
        return docker.DockerClient(base_url=self.socket, timeout=60)

    def kill(self) -> None:
        """SIGKILL, as from the kernel."""
        assert self.daemon is not None
        self.daemon.kill()
        self.daemon.wait()

    def close(self) -> None:
        """Ends the engine, what it started, and the namespace."""
        if self.daemon is not None:
            self.daemon.terminate()
            self.daemon.wait(60)
        for process in psutil.process_iter(
            ["cmdline"]
        ):  # its containerd, and shims of containers that it lost
            if any(str(self.folder) in word for word in process.info["cmdline"] or []):
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        self.holder.kill()
        self.holder.wait()
        mounted = [row.split()[1] for row in Path("/proc/self/mounts").read_text().splitlines()]
        for place in filter(lambda place: place.startswith(f"{self.folder}/"), mounted):
            subprocess.run(["umount", "-l", place], check=True)
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Apart]:
    if os.geteuid() or not all(map(shutil.which, ("dockerd", "unshare", "nsenter", "ip"))):
        pytest.skip("an engine of its own needs root, dockerd, unshare, nsenter and ip")
    words = ["unshare", "-n", "sh", "-c", "ip link set lo up; echo up; exec sleep infinity"]
    holder = subprocess.Popen(words, stdout=subprocess.PIPE)
    assert holder.stdout is not None and holder.stdout.readline() == b"up\n"
    apart = Apart(tmp_path_factory.mktemp("apart"), holder)
    try:
        yield apart
    finally:
        apart.close()


def toy_image(engine: Engine, there: docker.DockerClient, folder: Path) -> str:
    """The toy's image, taken from the machine's engine to the other one."""
    toy = (ROOT / "tests/toy/scenario.py").read_text().replace("tests/toy", f"{ROOT}/tests/toy")
    (folder / "pyproject.toml").touch()
    (folder / "image.py").write_text(toy.replace("port=8000,", f'port=8000, build="{ROOT}/tests/toy",'))
    loaded = load(str(folder / "image.py"))
    tag = build_images(engine, loaded.scenario, loaded.root)["batch"]
    there.images.load(b"".join(engine.client.images.get(tag).save(named=True)))
    return tag


@R6.trials("at a random moment", quick=0, full=10, in_one=True)
def test_an_engine_that_is_killed_and_started_again_aborts_the_rehearsal(
    trial: Trial, tmp_path: Path, engine: Engine, apart: Apart, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = apart.start()
    image = toy_image(engine, there, tmp_path)
    monkeypatch.setenv("DOCKER_HOST", apart.socket)
    with Herd(*apart.inside) as herd:
        for number in range(trial.asked):
            known = Engine(there, "", "", "v1")
            toy = next(toys(herd, tmp_path, known, image=image))
            assert until(lambda toy=toy: there.containers.list(), 180), toy.run.poll()  # type: ignore[misc]
            time.sleep(random.Random(f"R6-{number}").uniform(0.5, 4))
            _restart_within(toy, apart, trial)


@R6.trials("away while the harness is killed", quick=0, full=3)
@pytest.mark.timeout(900)
def test_a_killed_harness_is_cleaned_behind_once_the_engine_is_back(
    trial: Trial, tmp_path: Path, engine: Engine, apart: Apart, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watchdog goes on trying for 120 s, and then for as long as the engine needs to be up again."""
    there = apart.start()
    away = AWAY if trial.number == 0 else random.Random(f"R6-away-{trial.number}").uniform(10, AWAY)
    image = toy_image(engine, there, tmp_path)
    monkeypatch.setenv("DOCKER_HOST", apart.socket)
    with Herd(*apart.inside) as herd:
        toy = next(toys(herd, tmp_path, Engine(there, "", "", "v1"), image=image))
        assert until(there.containers.list, 180), toy.run.poll()
        apart.kill()
        os.kill(toy.run.pid, signal.SIGKILL)
        began = time.monotonic()
        assert toy.run.wait(5) == -signal.SIGKILL
        time.sleep(away - (time.monotonic() - began))
        assert any("watchdog.py" in line for line in toy.processes()), "it has given up"
        apart.start()
        back = time.monotonic() - began
        assert toy.things(), "nothing was left to be removed"
        trial.fired(f"{len(toy.things())} things were there when the engine came back after {back:.0f} s")
        assert until(lambda: not toy.has(), 60), toy.has()
        trial.took(time.monotonic() - began - back)


def _restart_within(toy: Toy, apart: Apart, trial: Trial) -> None:
    assert toy.run.poll() is None, "the fault comes while it is at work"
    apart.kill()
    assert toy.run.poll() is None or toy.run.wait(1) == 5
    trial.fired(f"killed with {len(toy.processes())} processes up, and started again")
    apart.start()
    began = time.monotonic()
    assert toy.run.wait(180) == 5, toy.journal()[-1:]
    assert toy.journal()[-1]["status"] == "aborted", toy.journal()[-1]
    assert until(lambda: not toy.has(), AWAY), toy.has()
    trial.took(time.monotonic() - began)
