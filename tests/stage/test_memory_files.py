"""What a service holds, read from recorded trees of kernel files of both versions, and from this very process."""

import mmap
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from harness.stage.family import family, hold, let_go
from harness.stage.memory_files import PAGE, Cgroup, ceilings, read_processes, runtime
from harness.stage.memory_stats import reading

ROLLUP = (
    "Rss: 9000 kB\nPss: 8000 kB\nPss_Anon: {anon} kB\nPss_File: 9 kB\nPss_Shmem: 7 kB\nAnonymous: 4000 kB\n"
)
V2 = {
    "x/cgroup.procs": "1\n2\n",
    "x/memory.stat": "anon 1000\nfile 999999\nkernel 300\nshmem 20\n",
    "x/memory.events": "oom 1\noom_kill 2\n",
    "x/memory.current": "1234567\n",
    "x/memory.max": "2000000\n",
    "x/memory.pressure": "some avg10=1.50 avg60=0.00 avg300=0.00 total=9\nfull avg10=0.00 avg60=0.00\n",
}
V1 = {
    "memory/docker/c/cgroup.procs": "1\n2\n",
    "memory/docker/c/memory.stat": "cache 5\nrss 6\nshmem 7\ntotal_cache 50\ntotal_rss 60\ntotal_shmem 70\n",
    "memory/docker/c/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n",
    "memory/docker/c/memory.usage_in_bytes": "2345678\n",
    "memory/docker/c/memory.limit_in_bytes": "9223372036854771712\n",
    "memory/docker/c/memory.kmem.usage_in_bytes": "400\n",
}


def machine(tmp_path: Path, cgroup: str, files: dict[str, str]) -> tuple[Path, Path]:
    """A recorded tree of kernel files around processes 1 and 2 of a machine."""
    for pid, pages in ((1, 10), (2, 5)):
        folder = tmp_path / "proc" / str(pid)
        folder.mkdir(parents=True)
        (folder / "cgroup").write_text(cgroup)
        (folder / "statm").write_text(f"100 {pages + 3} 3 1 0 50 0\n")
        (folder / "smaps_rollup").write_text(ROLLUP.format(anon=pages))
    for name, text in files.items():
        path = tmp_path / "sys" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "sys", tmp_path / "proc"


def test_on_v2_it_is_anonymous_shared_and_kernel_memory(tmp_path: Path) -> None:
    group = Cgroup(1, *machine(tmp_path, "0::/x\n", V2))
    told = group.reading(deep=False)
    assert told is not None
    assert told.held == 15 * PAGE + 20 + 300
    assert (told.shared, told.kernel, told.usage, told.oom_kills) == (20, 300, 1234567, 2)
    assert (told.pids, told.source) == ((1, 2), "cgroup v2")
    assert group.pressure() == 1.5


def test_on_v2_before_linux_5_18_kernel_memory_is_the_sum_of_its_parts(tmp_path: Path) -> None:
    older = "anon 1000\nshmem 20\nkernel_stack 100\nslab_unreclaimable 50\npagetables 8\n"
    group = Cgroup(1, *machine(tmp_path, "0::/x\n", {**V2, "x/memory.stat": older}))
    told = group.reading(deep=False)
    assert told is not None and told.kernel == 158


def test_on_v1_shared_and_kernel_memory_have_files_of_their_own(tmp_path: Path) -> None:
    group = Cgroup(1, *machine(tmp_path, "9:name=systemd:/docker/c\n4:memory:/docker/c\n", V1))
    told = group.reading(deep=False)
    assert told is not None
    assert told.held == 15 * PAGE + 70 + 400
    assert (told.usage, told.oom_kills, told.source) == (2345678, 3, "cgroup v1")
    assert group.pressure() is None


def test_a_close_look_tells_limit_and_pressure_where_the_kernel_does(tmp_path: Path) -> None:
    v2 = Cgroup(1, *machine(tmp_path / "v2", "0::/x\n", V2)).reading(deep=True)
    v1 = Cgroup(1, *machine(tmp_path / "v1", "4:memory:/docker/c\n", V1)).reading(deep=True)
    assert v2 is not None and (v2.limit, v2.pressure) == (2_000_000, 1.5)
    assert v1 is not None and (v1.limit, v1.pressure) == (None, None)


@pytest.mark.parametrize(
    ("program", "maps", "told"),
    [
        ("/usr/bin/python3.11", "", "python"),
        ("/usr/bin/node", "", "node"),
        ("/usr/lib/jvm/java-17/bin/java", "", "jvm"),
        ("/usr/sbin/redis", "7f /usr/lib/libjemalloc.so.2", "jemalloc"),
        ("/usr/sbin/nginx", "7f /usr/lib/libc.so.6", "native"),
    ],
)
def test_the_runtime_is_told_by_the_program(tmp_path: Path, program: str, maps: str, told: str) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7/exe").symlink_to(program)
    (tmp_path / "7/maps").write_text(maps)
    assert runtime([8, 7], tmp_path) == told
    assert runtime([8], tmp_path) == ""


def test_a_close_look_counts_pages_that_workers_share_once(tmp_path: Path) -> None:
    told = Cgroup(1, *machine(tmp_path, "0::/x\n", V2)).reading(deep=True)
    assert told is not None and told.held == 15 * 1024 + 20 + 300


def test_a_group_without_processes_is_unknown_and_not_zero(tmp_path: Path) -> None:
    group = Cgroup(1, *machine(tmp_path, "0::/x\n", {**V2, "x/cgroup.procs": ""}))
    assert group.reading(deep=False) is None


def test_a_group_that_is_gone_is_unknown(tmp_path: Path) -> None:
    root, proc = machine(tmp_path, "0::/x\n", V2)
    group = Cgroup(1, root, proc)
    for file in (root / "x").iterdir():
        file.unlink()
    assert group.reading(deep=True) is None
    assert group.oom_kills() is None


def test_a_machine_that_does_not_show_the_files_is_no_cgroup(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"cgroup\.procs"):
        Cgroup(1, *machine(tmp_path, "0::/elsewhere\n", {}))


def test_shared_memory_counts_and_page_cache_does_not(tmp_path: Path) -> None:
    def held() -> int:
        told = read_processes([os.getpid()], deep=True)
        assert told is not None
        return told.held

    before = held()
    shared = mmap.mmap(-1, 16 << 20)  # MAP_SHARED: statm and `anon` do not show it
    for _ in range(256):
        shared.write(b"x" * (64 << 10))
    assert held() - before == pytest.approx(16 << 20, abs=2 << 20)
    shared.close()
    file = tmp_path / "cached"
    with file.open("wb") as out:
        for _ in range(256):
            out.write(b"x" * (64 << 10))
    assert held() - before < 2 << 20


def test_the_ceilings_of_a_process_are_found() -> None:
    code = (
        "import resource as r, time; r.setrlimit(r.RLIMIT_DATA, (90 << 20, 90 << 20));"
        "print(1, flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", code, "-Xmx96m"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        found = {ceiling.name: ceiling for ceiling in ceilings([process.pid])}
        process.kill()
    assert found["RLIMIT_DATA"].limit == 90 << 20
    assert 0 < found["RLIMIT_DATA"].used < 90 << 20
    assert found["-Xmx"].limit == 96 << 20


def test_a_process_without_limits_has_no_ceiling() -> None:
    if resource.getrlimit(resource.RLIMIT_DATA)[0] != resource.RLIM_INFINITY:
        pytest.skip("this machine limits every process")
    assert [c.name for c in ceilings([os.getpid()]) if c.name == "RLIMIT_DATA"] == []


def test_a_held_family_stands_still_and_goes_on() -> None:
    child = "print(1, flush=True)\nwhile True: pass"
    command = [
        sys.executable,
        "-c",
        f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        pids = family(process.pid)
        try:
            assert len(pids) == 2
            assert hold([*pids, 2**22 + 1]) == pids, "one that is gone is left out"
            assert reach(pids, {"stopped"})
            let_go(pids)
            assert reach(pids, {"running", "sleeping"})
        finally:
            for pid in reversed(pids):
                os.kill(pid, signal.SIGKILL)


def reach(pids: list[int], wanted: set[str]) -> bool:
    """Whether all of them get into one of these states within 5 seconds."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if {psutil.Process(pid).status() for pid in pids} <= wanted:
            return True
        time.sleep(0.01)
    return False


def test_the_engines_statistics_are_read_as_the_files_are_and_marked() -> None:
    v1 = reading({"usage": 900, "stats": {"total_rss": 500, "total_shmem": 20, "inactive_file": 300}})
    v2 = reading({"usage": 900, "stats": {"anon": 500, "shmem": 20, "kernel_stack": 7, "inactive_file": 300}})
    bare = reading({"usage": 900, "stats": {"inactive_file": 300}})
    assert [told and (told.held, told.source) for told in (v1, v2, bare)] == [
        (520, "stats"),
        (527, "stats"),
        (600, "stats"),
    ]
    assert reading({}) is None
