"""R7 and R28: an engine that is absent, slow or broken; a port that is taken, a stale socket, no IPv6."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import REHEARSE, ROOT, Rehearse
from tests.faults.rows import Row, Trial

R7, R28 = Row("R7"), Row("R28")
TOY = ROOT / "tests/toy/scenario.py"
HOW = ("absent", "slow", "500")
APART = "ip link set lo up && echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6"
NO_IPV6 = "import socket, sys\ntry: socket.socket(10).bind(('::1', 0))\nexcept OSError: sys.exit(9)"
BROKEN = b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\nContent-Length: 22\r\n\r\n"


@pytest.fixture
def fake(tmp_path: Path, trial: Trial) -> Iterator[tuple[str, list[str]]]:
    """A socket that is no good engine, and how often it was asked."""
    path, asked = tmp_path / "engine.sock", list[str]()
    how = HOW[trial.number % 3]
    if how == "absent":
        yield str(path), asked
        return
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen()

    def answer(connection: socket.socket) -> None:
        with connection:
            connection.recv(65536)
            asked.append(how)
            if how == "500":
                connection.sendall(BROKEN + b'{"message": "no disk"}')
            else:
                time.sleep(30)

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=[connection], daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    yield str(path), asked
    server.close()


@R7.trials("the engine", quick=3, full=30)
@pytest.mark.timeout(300)
def test_an_engine_that_is_no_good_is_told_and_nothing_is_rehearsed(
    trial: Trial, fake: tuple[str, list[str]], rehearse: Rehearse, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, asked = fake
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    began = time.monotonic()
    run = rehearse("run", TOY, "--stage", "docker")
    trial.took(time.monotonic() - began)
    if asked or not Path(path).exists():
        trial.fired(f"{HOW[trial.number % 3]}: asked {len(asked)} times")
    assert run.returncode == 5, run.stderr
    assert "no container engine answers" in run.stderr and "fix:" in run.stderr


@R28.trials("a port in use", quick=1, full=4)
@pytest.mark.timeout(300)
def test_a_port_that_is_taken_is_told(trial: Trial, tmp_path: Path, rehearse: Rehearse) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        text = TOY.read_text().replace("port=8000", f"port={port}").replace("{port}", str(port))
        (tmp_path / "pyproject.toml").touch()
        scenario = tmp_path / "taken.py"
        scenario.write_text(text.replace('cwd="tests/toy"', f'cwd="{ROOT}/tests/toy"'))
        run = rehearse("run", scenario, "--stage", "process")
        trial.fired(f"port {port} was held all the while")
    assert run.returncode == 5 and str(port) in run.stderr and "fix:" in run.stderr


@R28.trials("a stale socket", quick=1, full=3)
@pytest.mark.timeout(300)
def test_a_socket_that_nobody_listens_on_is_told_and_processes_are_taken_instead(
    trial: Trial, tmp_path: Path, rehearse: Rehearse, monkeypatch: pytest.MonkeyPatch
) -> None:
    stale = tmp_path / "stale.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(stale))
    with socket.socket(socket.AF_UNIX) as asked, pytest.raises(ConnectionRefusedError):
        asked.connect(str(stale))
    trial.fired("a connection to it is refused")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{stale}")
    run = rehearse("run", TOY, "--stage", "docker")
    assert run.returncode == 5 and "nothing listens on it" in run.stderr and "fix:" in run.stderr
    run = rehearse("run", TOY, "--probes", "none")
    assert run.returncode == 0 and "stage process" in run.stderr, run.stderr


@R28.trials("no IPv6", quick=1, full=3)
@pytest.mark.timeout(300)
def test_a_machine_without_ipv6_rehearses_all_the_same(trial: Trial, tmp_path: Path) -> None:
    if os.geteuid() or not all(map(shutil.which, ("unshare", "ip"))):
        pytest.skip("a network of its own needs root, unshare and ip")

    def there(*words: str) -> subprocess.CompletedProcess[str]:
        apart = ["unshare", "-n", "sh", "-c", f'{APART} && exec "$@"', "sh"]
        return subprocess.run([*apart, *words], cwd=ROOT, capture_output=True, text=True, check=False)

    if there(REHEARSE[0], "-c", NO_IPV6).returncode == 9:
        trial.fired("::1 cannot be listened on")
    words = ["run", str(TOY), "--stage", "process", "--probes", "none", "--out", str(tmp_path)]
    run = there(*REHEARSE, *words)
    assert run.returncode == 0, run.stderr
