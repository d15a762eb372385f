"""Each phase of a rehearsal has a deadline of its own: what hangs in it is ended, told, and leaves nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from harness.cli.budget import Entered, OutOfTime
from harness.errors import UsageError
from harness.model.events import Ended
from harness.model.phases import PHASES, limits, parse_limits
from harness.model.record import Record
from harness.stage import Engine
from harness.stage.watchdog import OWNER_VARIABLE
from tests.conftest import REHEARSE, ROOT
from tests.faults.toys import until

HANGS = (ROOT / "tests/toy/hangs_scenario.py").read_text().replace("tests/toy", f"{ROOT}/tests/toy")
SEED = "        live.batch.post("
LIMIT = 3
PATIENCE = ("2s", "10s", "50s")
"""How long a build is let go on until its last step has surely begun: the next where the machine was too slow."""
WHERE = {"up": "/ready", "press": "/run", "collect": "/effects", "teardown": "stay"}


@dataclass
class Held:
    """A rehearsal that was held to its end: its exit code, what it wrote, its record, and who owned what it made."""

    code: int
    stderr: str
    folder: Path
    owner: str

    @property
    def ended(self) -> Ended:
        return Record(self.folder).all(Ended)[-1]

    def left(self) -> list[psutil.Process]:
        """The processes that it has left."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get(OWNER_VARIABLE, "").startswith(self.owner):
                    found.append(process)
            except psutil.Error:
                continue
        return found


def begun(folder: Path, text: str, *words: str) -> subprocess.Popen[str]:
    folder.mkdir(exist_ok=True)
    (folder / "pyproject.toml").touch()
    (folder / "hangs.py").write_text(text)
    return subprocess.Popen(
        [
            *REHEARSE,
            "run",
            str(folder / "hangs.py"),
            "--probes",
            "none",
            "--out",
            str(folder / "reports"),
            *words,
        ],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def held(folder: Path, text: str, *words: str) -> Held:
    run = begun(folder, text, *words)
    _, told = run.communicate(timeout=120)
    return Held(run.returncode, told, next(folder.glob("reports/hangs/2*")), f"{run.pid}-")


def late(folder: Path, name: str, text: str, limit: str = f"{LIMIT}s", *words: str) -> Held:
    """A rehearsal in which that phase hangs: it is ended, and told of in the report and on the screen."""
    found = held(folder, text, "--within", f"{name}={limit}", *(words or ("--stage", "process")))
    said = f"{PHASES[name].doing} (phase {name}) was not over after {limit.removesuffix('s')} s"
    assert found.code == 124, found.stderr
    assert said in " ".join(found.stderr.split()) and "Traceback" not in found.stderr
    assert until(lambda: not found.left(), 15), found.left()
    if name != "report":
        assert found.ended.status == "aborted"
        assert said in found.ended.why and f"--within {name}=" in found.ended.why
        told = json.loads((found.folder / "report.json").read_text())
        assert any(said in one["why"] for one in told["not_checked"]) and told["verdict"] == "inconclusive"
    return found


def test_a_service_a_press_a_reading_and_a_taking_down_that_hang_are_ended_at_their_own_deadline(
    tmp_path: Path,
) -> None:
    def one(name: str) -> None:
        late(tmp_path / name, name, HANGS.replace("WHERE", WHERE[name]))

    with ThreadPoolExecutor(len(WHERE)) as pool:
        assert len([*pool.map(one, WHERE)]) == len(WHERE)


@pytest.mark.parametrize("stubborn", [False, True])
def test_a_seed_that_hangs_is_ended_and_the_line_is_told_where_it_hangs(
    tmp_path: Path, stubborn: bool
) -> None:
    hang = "        import time\n        time.sleep(1000)\n"
    if stubborn:
        hang = "        import time\n        try:\n            time.sleep(1000)\n        except:\n            pass\n"
    text = HANGS.replace("WHERE", "/none").replace(SEED, hang + SEED)
    found = late(tmp_path, "seed", text, "1s")
    if not stubborn:
        line = text.splitlines().index("        time.sleep(1000)") + 1
        assert f"at {tmp_path}/hangs.py:{line}" in found.ended.why


def test_a_report_that_takes_too_long_is_given_up_and_the_record_can_be_judged_again(tmp_path: Path) -> None:
    found = late(tmp_path, "report", HANGS.replace("WHERE", "/none"), "0.01s")
    assert found.ended.status == "completed"
    assert not [*found.folder.glob(".*partial")]
    again = subprocess.run([*REHEARSE, "judge", found.folder], cwd=ROOT, capture_output=True, check=False)
    assert again.returncode == 0 and (found.folder / "report.html").exists()


@pytest.fixture
def hung(tmp_path: Path, engine: Engine) -> Iterator[str]:
    """A scenario whose image has a step that is made, one that hangs, and below both one that an earlier build has
    made already, which is spared."""
    (tmp_path / "slow").mkdir()
    first = f"ARG BASE_IMAGE=python:3.12-slim\nFROM ${{BASE_IMAGE}}\nRUN echo {tmp_path} > /one\n"
    build = {"BASE_IMAGE": os.environ.get("REHEARSE_BASE_IMAGE") or base(engine)}
    (tmp_path / "slow/Dockerfile").write_text(first)
    cached, _ = engine.client.images.build(path=str(tmp_path / "slow"), buildargs=build, rm=True)
    (tmp_path / "slow/Dockerfile").write_text(
        f"{first}RUN echo two > /two\nRUN echo waiting {tmp_path}; sleep 1000\n"
    )
    text = HANGS.replace("WHERE", "/none")
    yield text.replace("port=8000,", f'port=8000, build="{tmp_path}/slow",')
    assert cached in engine.client.images.list(all=True), "what was there before has been removed"
    engine.client.images.remove(cached.id)


def base(engine: Engine) -> str:
    from harness.stage.base_image import base_image

    return base_image(engine.client, "python:3.12-slim")


@pytest.mark.engine
def test_a_build_that_hangs_is_ended_and_its_container_and_images_are_removed(
    tmp_path: Path, engine: Engine, hung: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REHEARSE_CA_BUNDLE", raising=False)
    for limit in PATIENCE:
        found = late(tmp_path / limit, "build", hung, limit, "--stage", "docker")
        if f"| waiting {tmp_path}" in found.ended.why:
            break
    assert f"| waiting {tmp_path}" in found.ended.why, "the step had begun"
    assert "the image of service 'batch' was at: Step" in found.ended.why and "sleep 1000" in found.ended.why
    assert not building(engine, tmp_path) and not made(engine, tmp_path)


@pytest.mark.engine
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_harness_that_ends_within_a_build_leaves_no_container_of_it(
    tmp_path: Path, engine: Engine, hung: str, number: signal.Signals
) -> None:
    run = begun(tmp_path, hung, "--stage", "docker")
    assert until(lambda: building(engine, tmp_path), 60), "the step has begun"
    run.send_signal(number)
    run.communicate(timeout=60)
    assert until(lambda: not building(engine, tmp_path), 15)
    if number == signal.SIGINT:
        assert run.returncode == 130 and not made(engine, tmp_path)


@pytest.mark.engine
def test_images_that_are_built_alone_have_a_budget_too(tmp_path: Path, engine: Engine, hung: str) -> None:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "hangs.py").write_text(hung)
    for limit in PATIENCE:
        words = [*REHEARSE, "images", str(tmp_path / "hangs.py"), "--budget", limit]
        ran = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
        said = "".join(ran.stderr.split())  # its lines are as wide as the terminal
        if f"|waiting{tmp_path}" in said:
            break
    assert ran.returncode == 124 and "thetimebudgetisspent;theimageofservice" in said
    assert f"|waiting{tmp_path}" in said, "the step had begun"
    assert not building(engine, tmp_path) and not made(engine, tmp_path)


def building(engine: Engine, folder: Path) -> list[str]:
    """The containers of the step that hangs."""
    rows = engine.client.api.containers(all=True)
    return [row["Id"] for row in rows if f"echo waiting {folder}" in row["Command"]]


def made(engine: Engine, folder: Path) -> list[str]:
    """The images of the steps behind the one that was there before."""
    found = []
    for one in engine.client.images.list(all=True):
        rows = [row["CreatedBy"] for row in one.history()]
        if any(str(folder) in row for row in rows) and any("/two" in row for row in rows):
            found.append(one.id)
    return found


def test_a_base_image_that_hangs_in_the_making_leaves_no_process_and_no_folder(tmp_path: Path) -> None:
    fake = tmp_path / "debootstrap"
    fake.write_text("#!/bin/sh\nsleep 1000 &\necho $! >$(dirname $0)/pid\nwait\n")
    fake.chmod(0o755)
    code = """
import sys, time
from docker.errors import APIError, ImageNotFound
from harness.cli.budget import Alarm
from harness.stage import base_image
class Images:
    def get(self, name): raise ImageNotFound(name)
    def pull(self, name): raise APIError("no registry")
class Client:
    images = Images()
    class api: hooks = {"response": []}
base_image.can_make = lambda: ""
with Alarm(time.monotonic() + 100, {"build": 1}) as alarm, alarm.phase("build"):
    base_image.base_image(Client(), "python")
"""
    env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "TMPDIR": str(tmp_path)}
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "TimeBudgetSpent: building the images (phase build) was not over after 1 s" in ran.stderr
    pid = int((tmp_path / "pid").read_text())
    assert until(lambda: not psutil.pid_exists(pid) and not [*tmp_path.glob("rehearse-*")], 15)


def test_a_phase_gets_a_share_of_the_budget_or_what_is_asked_for_and_never_more_than_the_budget() -> None:
    assert limits(3600, {}) == dict.fromkeys(PHASES, 1200.0) | {"press": 3600, "teardown": 60, "report": 600}
    assert limits(3600, {"seed": 5, "up": 9999})["seed"] == 5
    assert limits(3600, {"seed": 5, "up": 9999})["up"] == 3600
    assert limits(40, {}) == dict.fromkeys(PHASES, 30.0) | {"press": 40}
    assert set(limits(20, {}).values()) == {20}


def test_how_long_a_phase_may_take_is_told_in_seconds() -> None:
    for limit, told in ((1200, "1,200 s"), (0.5, "0.5 s"), (100 / 3, "33.33 s")):
        seed = Entered("seed", limit, due=0.0)
        assert f"(phase seed) was not over after {told}, and was ended" in OutOfTime(seed, seed).told().seen


def test_limits_are_written_as_phase_and_time_and_anything_else_is_refused() -> None:
    assert parse_limits("build=20m, seed=90s,") == {"build": 1200.0, "seed": 90.0}
    assert parse_limits("") == {}
    for text in ("sed=1m", "seed", "seed=", "=3s", "seed=soon"):
        with pytest.raises(UsageError, match="--within"):
            parse_limits(text)
