"""What the harness and the services got of the CPU, also of services that end meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys

from harness.probes.own_cpu import OwnShare


class Service:
    """Processes, or none any more."""

    def __init__(self, *pids: int, gone: bool = False) -> None:
        self.seen, self.gone = list(pids), gone

    def pids(self) -> list[int]:
        if self.gone:
            raise FileNotFoundError("cgroup.procs")
        return self.seen


def test_the_cpu_of_its_services_is_seen_in_all_their_threads() -> None:
    with OwnShare([Service(os.getpid())]) as own:  # type: ignore[list-item]
        sum(range(3_000_000))
    assert 0.5 * own.seen.cpu < own.seen.services_cpu < own.seen.cpu + 5
    assert own.seen.cpus == os.cpu_count()


def test_a_service_or_a_process_that_ends_meanwhile_is_left_out() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    service = Service(child.pid, 2**22 + 1)
    with OwnShare([service]) as own:  # type: ignore[list-item]
        child.kill()
        child.wait()
        service.gone = True
    assert own.seen.services_cpu == 0.0
