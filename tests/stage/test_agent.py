"""The agent in a Python process that knows nothing of it."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
    from harness.probes.attribution import add_sites, as_rows, flame_graph

    code = (
        "import sys, time\nkept = []\n"
        "for line in sys.stdin:\n    kept.append(b'x' * (int(line) + 5000))\n"
        "    time.sleep(0.01)\n    print(1, flush=True)\n"
    )
    with python(agent, code) as process:
        assert process.stdin is not None and process.stdout is not None
        answers(agent, "ping")
        (begun,) = agent.ask("track python").values()
        assert "tracking" in begun, begun
        marks = []
        for item in range(60):
            marks.append((time.time() * 1000, item))
            process.stdin.write("0\n")
            process.stdin.flush()
            process.stdout.readline()
        agent.ask("untrack")
        (capture,) = agent.captures()
        held: dict[tuple[str, str, int], Any] = {}
        add_sites(held, capture, marks)
        found = as_rows(held, marks)
        page = agent.folder / "flame graph.html"
        flame_graph(capture, page)
        process.stdin.close()
        text = page.read_text()
    assert "flamegraph" in text and not re.search(
        """(src|link[^>]*href)=["']?https?:""", text
    )  # opens offline
    first = found[0]
    assert (first["line"], first["count"][-1]) == (4, pytest.approx(60, abs=3))
    assert first["kept"][-1] == pytest.approx(60 * 5034, rel=0.06)


ROUNDS = """
import ctypes, sys, threading, time
own = ctypes.pythonapi.PyThreadState_Get
own.restype = ctypes.c_void_p
def words(): return list((ctypes.c_size_t * 24).from_address(own()))
def marker(*_): pass
sys.setprofile(marker)
hook = words().index(id(marker)) - 2
sys.setprofile(None)
kept, hooks = [], []
def keep(): kept.append(bytearray(5000))
def thread(): keep(); hooks.append(words()[hook] != 0)
def rounds(seconds):
    end, done = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        threads = [threading.Thread(target=thread) for _ in range(4)]
        [one.start() for one in threads]; [one.join() for one in threads]
        done += 4
    return done
for line in sys.stdin:
    del hooks[:]
    print(rounds(float(line)), sum(hooks), words()[hook] != 0, threading._profile_hook, flush=True)
"""


def test_a_window_in_slices_names_the_line_while_threads_come_and_go_and_leaves_no_hook(agent: Agent) -> None:
    pytest.importorskip("memray")
    from harness.probes.attribution import add_sites, as_rows

    with python(agent, ROUNDS) as process:
        assert process.stdin is not None and process.stdout is not None
        answers(agent, "ping")
        (begun,) = agent.ask("track").values()
        assert begun.get("in_slices") is True, begun
        marks, told = [(time.time() * 1000, 0)], []
        for seconds in ("0.3", "0.3", "0.3", "0.3", "0.3"):
            print(seconds, file=process.stdin, flush=True)
            told.append(process.stdout.readline().split())
            marks.append((time.time() * 1000, marks[-1][1] + int(told[-1][0])))
        agent.ask("untrack")
        print("0.1", file=process.stdin, flush=True)
        after = process.stdout.readline().split()
        held: dict[tuple[str, str, int], Any] = {}
        add_sites(held, agent.captures()[0], marks)
        first = as_rows(held, marks)[0]
        process.stdin.close()
    assert process.returncode == 0
    started, seen = (sum(int(words[n]) for words in told) for n in (0, 1))
    assert 0 < seen < started, "some threads began in a slice and some did not"
    assert int(after[0]) > 0 and after[1:] == ["0", "False", "None"], "a hook is left"
    assert (first["function"], first["line"]) == ("keep", 11)
    assert first["count"][-1] == pytest.approx(marks[-1][1], rel=0.3)


def test_a_child_forked_in_a_window_is_not_hooked(agent: Agent) -> None:
    pytest.importorskip("memray")
    code = "import os, sys, threading; sys.stdin.readline(); child = os.fork()\n"
    code += "if child: os.waitpid(child, 0)\nelse: print(threading._profile_hook, flush=True)"
    with python(agent, code) as process:
        answers(agent, "ping")
        assert "tracking" in next(iter(agent.ask("track").values()))
        assert process.communicate("\n", timeout=20)[0] == "None\n"


def test_without_the_agent_nobody_answers() -> None:
    assert NoAgent().live_heap() is None
    assert NoAgent().captures() == []
