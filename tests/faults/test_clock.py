"""R25: the wall clock jumps within a rehearsal, and no duration is wrong."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import REHEARSE, ROOT
from tests.end_to_end.errands import variant
from tests.faults.rows import Row, Trial
from tests.faults.toys import until

R25 = Row("R25")
SHIM = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

static long offset(void) {
    long found = 0;
    FILE *file = fopen(getenv("CLOCK_OFFSET"), "r");
    if (file) { if (fscanf(file, "%ld", &found) != 1) found = 0; fclose(file); }
    return found;
}
int clock_gettime(clockid_t id, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int code = real(id, now);
    if (id == CLOCK_REALTIME) now->tv_sec += offset();
    return code;
}
time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}
"""
JUMPS = (3600, -3600, 86400, -86400, 30, -30)


@R25.trials("the clock is set", quick=1, full=6)
def test_durations_are_right_though_the_clock_jumps(trial: Trial, tmp_path: Path) -> None:
    offset, source, library = tmp_path / "offset", tmp_path / "clock.c", tmp_path / "clock.so"
    if shutil.which("cc") is None:
        pytest.skip("no C compiler: the clock cannot be set for one process alone")
    source.write_text(SHIM)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    offset.write_text("0\n")
    env = {**os.environ, "LD_PRELOAD": str(library), "CLOCK_OFFSET": str(offset)}
    jump = JUMPS[trial.number % len(JUMPS)]
    scenario = variant(tmp_path)
    scenario.write_text(scenario.read_text().replace('quiet = "3s", "0.2s"', 'quiet = "3s", "2s"'))
    words = [
        "run",
        scenario,
        "--stage",
        "process",
        "--probes",
        "none",
        "--json",
        "--out",
        tmp_path / "reports",
    ]
    clock = [sys.executable, "-c", "import time; print(int(time.time()))"]
    seen = [subprocess.check_output(clock, env=env)]
    began = time.monotonic()
    run = subprocess.Popen(
        [*REHEARSE, *map(str, words)], cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    journals = (tmp_path / "reports").glob
    assert until(lambda: any("stage_up" in j.read_text() for j in journals("errands/2*/journal.jsonl")), 60)
    offset.write_text(f"{jump}\n")
    within = run.poll() is None
    out, _ = run.communicate(timeout=100)
    took = time.monotonic() - began
    seen.append(subprocess.check_output(clock, env=env))
    moved = int(seen[1]) - int(seen[0])
    assert within and abs(moved - took - jump) < abs(jump) / 2, f"{moved} s"
    trial.fired(f"the clock moved by {moved} s within {took:.0f} s")
    report = json.loads(out)
    assert run.returncode == 0
    seconds = {name: value for name, value in report["measurements"].items() if "seconds" in name}
    assert seconds and all(0 <= value <= took for value in seconds.values()), seconds
    journal = next((tmp_path / "reports" / "errands").glob("2*")) / "journal.jsonl"
    times = [json.loads(line)["t"] for line in journal.read_text().splitlines()]
    assert times == sorted(times) and 0 <= times[-1] <= took
