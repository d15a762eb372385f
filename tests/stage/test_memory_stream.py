"""Memory read by a loop inside the container, where this machine does not see the kernel's files."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.model.memory import MemoryReading
from harness.stage import Engine, container_service, memory_stream
from harness.stage.agent_channel import NoAgent
from harness.stage.images import image_for
from harness.stage.leash import stand_by
from harness.stage.memory_files import PAGE, Cgroup
from harness.stage.memory_stream import LOOP, parsed, stream
from harness.stage.watchdog import OWNER_LABEL
from scenarios.friday_payouts import FridayPayouts
from tests.conftest import ROOT


def test_a_line_of_the_loop_is_a_reading() -> None:
    assert parsed("10 20 300 4000 1 7 9", "exec") == MemoryReading(
        held=10 * PAGE + 320, shared=20, kernel=300, usage=4000, oom_kills=1, pids=(7, 9), source="exec"
    )


@pytest.mark.parametrize("line", ["", "sh: not found", "1 2 3", "1 2 x 4 5"])
def test_what_is_no_line_of_the_loop_is_no_reading(line: str) -> None:
    assert parsed(line, "exec") is None


def test_the_loop_writes_lines_in_a_plain_shell() -> None:
    shell = subprocess.Popen(["sh", "-c", LOOP], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert shell.stdout is not None
        told = parsed(shell.stdout.readline(), "exec")
    finally:
        shell.kill()
        shell.wait()
    assert told is not None and os.getpid() in told.pids and shell.pid not in told.pids


def told_by_the_loop(root: Path) -> MemoryReading | None:
    """What its first line tells of a recorded tree of kernel files."""
    command = ["sh", "-c", LOOP]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, env={**os.environ, "OF": str(root)}, text=True
    ) as shell:
        assert shell.stdout is not None
        line = shell.stdout.readline()
        shell.kill()
    return parsed(line, "exec")


@pytest.mark.parametrize(
    ("stat", "kernel"),
    [
        ("anon 9\nkernel 700\nkernel_stack 100\nshmem 20\n", 700),
        (
            "anon 9\nkernel_stack 100\npagetables 8\nshmem 20\nslab_unreclaimable 50\n",
            158,
        ),  # before Linux 5.18
    ],
)
def test_the_loop_reads_the_files_of_v2(tmp_path: Path, stat: str, kernel: int) -> None:
    folder = tmp_path / "sys/fs/cgroup"
    folder.mkdir(parents=True)
    (folder / "memory.stat").write_text(stat)
    (folder / "memory.current").write_text("4000\n")
    (folder / "memory.events").write_text("oom 1\noom_kill 2\n")
    told = told_by_the_loop(tmp_path)
    assert told is not None
    assert (told.shared, told.kernel, told.usage, told.oom_kills) == (20, kernel, 4000, 2)


@pytest.fixture
def container(engine: Engine) -> Iterator[Any]:
    """A container that does nothing, from an image that is there."""
    image = image_for(engine.client, FridayPayouts.payouts, ROOT)
    found = engine.client.containers.run(
        image, ["sleep", "60"], detach=True, mem_limit="64m", labels={OWNER_LABEL: stand_by()}
    )
    yield found
    found.remove(force=True)


@pytest.mark.engine
def test_it_tells_what_the_kernels_files_tell_and_stops_with_the_container(container: Any) -> None:
    container.reload()
    files = Cgroup(int(container.attrs["State"]["Pid"]))
    inside = stream(container)
    seen = files.reading(deep=False)
    told = inside.read()
    assert told is not None and seen is not None
    assert abs(told.held - seen.held) < 4 * 2**20  # the kernel's files hold the loop itself as well
    container.kill()
    time.sleep(1.5)
    assert inside.read() is None


@pytest.mark.engine
def test_a_service_whose_files_are_not_seen_is_read_by_it(
    container: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unseen(pid: int) -> Cgroup:
        raise FileNotFoundError(pid)

    monkeypatch.setattr(container_service, "Cgroup", unseen)
    told = container_service.ContainerService(FridayPayouts.payouts, container, "image", NoAgent()).memory()
    assert told is not None and told.source == "exec" and told.pids


def without_a_shell(container: Any) -> None:
    container.exec_run(["rm", "/bin/sh", "/usr/bin/sh"], user="0")


@pytest.mark.engine
def test_without_a_shell_a_loop_beside_it_tells_the_same_and_goes_with_the_stage(
    container: Any, engine: Engine
) -> None:
    container.reload()
    seen = Cgroup(int(container.attrs["State"]["Pid"])).reading(deep=False)
    without_a_shell(container)
    told = stream(container).read()
    assert told is not None and seen is not None
    assert (told.source, told.pids, told.oom_kills) == ("side-car", (1,), 0)
    assert abs(told.held - seen.held) < 4 * 2**20 and abs((told.usage or 0) - (seen.usage or 0)) < 4 * 2**20
    label = f"{OWNER_LABEL}={container.labels[OWNER_LABEL]}"
    (beside,) = (one for one in engine.client.containers.list(filters={"label": label}) if one != container)
    container.kill()
    beside.wait(timeout=10)
    beside.remove()


@pytest.mark.engine
def test_without_any_shell_the_engines_statistics_are_what_is_left(
    container: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unseen(pid: int) -> Cgroup:
        raise FileNotFoundError(pid)

    monkeypatch.setattr(container_service, "Cgroup", unseen)
    monkeypatch.setattr(memory_stream, "OURS", "there/is-none")
    without_a_shell(container)
    told = container_service.ContainerService(FridayPayouts.payouts, container, "image", NoAgent()).memory()
    assert told is not None and told.source == "stats"
