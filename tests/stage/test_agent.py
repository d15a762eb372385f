"""The agent in a Python process that knows nothing of it."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.stage.agent_channel import Agent, NoAgent

WAIT = "import sys, time; sys.stdin.readline()"


@pytest.fixture
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    agent = Agent(tmp_path_factory.mktemp("agent"))
    yield agent
    agent.close()


def python(agent: Agent, code: str, pythonpath: str = "") -> subprocess.Popen[str]:
    env = {**os.environ, **agent.environment(pythonpath, inside=False)}
    return subprocess.Popen(
        [sys.executable, "-c", code], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def answers(agent: Agent, words: str, processes: int = 1) -> dict[int, dict[str, object]]:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        found = agent.ask(words)
        if len(found) >= processes:
            return found
        time.sleep(0.02)
    raise AssertionError(f"{len(found)} of {processes} processes answered")


def test_it_tells_the_bytes_that_live_in_the_heap(agent: Agent) -> None:
    code = (
        "import sys\nkept = []\n"
        "for line in sys.stdin: kept.append([bytes(300) for _ in range(4000)]); print(1, flush=True)"
    )
    with python(agent, code) as process:
        assert process.stdin is not None and process.stdout is not None
        answers(agent, "heap")
        before = agent.live_heap()
        process.stdin.write("x\n")
        process.stdin.flush()
        process.stdout.readline()
        after = agent.live_heap()
        process.stdin.close()
    assert before is not None and after is not None
    assert after - before == pytest.approx(4000 * (300 + 33 + 3 + 8), rel=0.03)


def test_children_that_are_forked_answer_for_themselves(agent: Agent) -> None:
    with python(agent, "import os\nos.fork()\n" + WAIT) as process:
        found = answers(agent, "ping", processes=2)
        assert sorted(found) == sorted(int(str(answer["pid"])) for answer in found.values())
        assert process.stdin is not None
        process.stdin.write("\n\n")


def test_the_sitecustomize_that_it_hides_runs_all_the_same(agent: Agent, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import builtins; builtins.theirs = 'ran'")
    with python(agent, "print(theirs)", pythonpath=str(tmp_path)) as process:
        assert process.communicate()[0] == "ran\n"


def test_a_service_starts_where_the_agent_cannot(agent: Agent) -> None:
    agent.close()  # its folder is gone: no socket can be made
    with python(agent, "print('up')") as process:
        assert process.communicate()[0] == "up\n"


def test_a_process_that_has_ended_is_left_out(agent: Agent) -> None:
    with python(agent, WAIT) as process:
        answers(agent, "ping")
        process.kill()
        process.wait()
        assert agent.ask("ping") == {}
        assert agent.live_heap() is None


def test_a_capture_shows_what_was_born_in_it_and_outlived_it(agent: Agent) -> None:
    pytest.importorskip("memray")
    from harness.probes.attribution import add_sites, as_rows

    code = (
        "import sys, time\nkept = []\n"
        "for line in sys.stdin:\n    kept.append(b'x' * (int(line) + 5000))\n"
        "    time.sleep(0.01)\n    print(1, flush=True)\n"
    )
    with python(agent, code) as process:
        assert process.stdin is not None and process.stdout is not None
        answers(agent, "ping")
        (begun,) = agent.ask("track").values()
        assert "tracking" in begun, begun
        marks = []
        for item in range(60):
            marks.append((time.time() * 1000, item))
            process.stdin.write("0\n")
            process.stdin.flush()
            process.stdout.readline()
        agent.ask("untrack")
        (capture,) = agent.captures()
        held = {}
        add_sites(held, capture, marks)
        found = as_rows(held, marks)
        process.stdin.close()
    first = found[0]
    assert (first["line"], first["count"][-1]) == (4, pytest.approx(60, abs=3))
    assert first["kept"][-1] == pytest.approx(60 * 5034, rel=0.06)


def test_without_the_agent_nobody_answers() -> None:
    assert NoAgent().live_heap() is None
    assert NoAgent().captures() == []
