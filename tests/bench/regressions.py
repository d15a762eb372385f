"""Whether a planted regression shows above the noise of real rehearsals: `python -m tests.bench.regressions`.

A small batch is rehearsed on the process stage, as it is and with a regression planted (memory per item +30 %, one
wall at 80 % of its old place, 25 % slower), in turn, so that both see the same machine. From the repeats of each
state twenty comparisons of five against five are drawn: planted against unchanged, unchanged against unchanged. The
way in that has the wall works ten times as fast, so that the search for its edge takes seconds.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from harness.judgement import judge
from harness.measures.compare import Comparison, compare
from harness.measures.side import Side, joined, side
from harness.model.record import Record

PAIRS, OF = 20, 5
TABLE = Path(__file__).with_name("regressions.md")
BATCH = """
import json, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
KEEP, WORK, LIMIT = int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
done, kept, state = {}, [], {"running": False}
def work(ids, seconds):
    for item in ids:
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            time.sleep(0.0005)
        kept.append(bytes([1]) * KEEP)
        done[item] = "ok"
    state["running"] = False
class Batch(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def answer(self, status, body):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
    def do_GET(self):
        self.answer(200, {"/items": list(done), "/count": [len(done), state["running"]]}.get(self.path, "ok"))
    def do_POST(self):
        ids = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/few" and len(ids) > LIMIT:
            return self.answer(413, "too many")
        state["running"] = True
        threading.Thread(target=work, args=(ids, WORK / (10 if self.path == "/few" else 1)), daemon=True).start()
        self.answer(202, "accepted")
    def log_message(self, *words):
        pass
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Batch).serve_forever()
"""
SCENARIO = '''
"""A batch with memory, time and a wall of chosen size."""
from harness import Effect, Outcome, Process, Progress, Scenario, Service, trigger
class Sized(Scenario):
    """Keeps something of each item."""
    usual, scales, quiet = 200, (1, 2, 5), "0s"
    batch = Service(port=8000, ready="/health", memory="512 MiB",
                    process=Process(command="python batch.py {{port}} {keep} {work} {limit}"))
    @trigger("a few")
    def few(self, live, users):
        return live.batch.post("/few", json=[user.id for user in users])
    @trigger("many")
    def many(self, live, users):
        return live.batch.post("/many", json=[user.id for user in users])
    def outcomes(self, live):
        return [Outcome(item, "ok") for item in live.batch.get("/items").expect().json()]
    def effects(self, live):
        return [Effect(item) for item in live.batch.get("/items").expect().json()]
    def progress(self, live):
        done, running = live.batch.get("/count").expect().json()
        return Progress(done, 0, running)
'''
STATES = {
    "before": {"keep": 20_000, "work": 0.004, "limit": 500},
    "after": {"keep": 26_000, "work": 0.005, "limit": 400},
}


def rehearsed(folder: Path, state: str) -> Side:
    """One repeat of a state."""
    (folder / "batch.py").write_text(BATCH)
    (folder / "sized.py").write_text(SCENARIO.format(**STATES[state]))
    words = ["run", "sized.py", "--stage", "process", "--probes", "edges", "--quiet", "--out", state]
    code = "from harness.cli import main; main()"
    with (folder / "log").open("ab") as log:
        subprocess.run([sys.executable, "-c", code, *words], cwd=folder, check=False, stdout=log, stderr=log)
    record = Record(folder / state / "sized" / "latest")
    return side(record, judge(record))


def drawn(one: list[Side], other: list[Side], *, same: bool) -> list[Comparison]:
    """Twenty comparisons of five repeats against five others."""
    draw, found = random.Random(1), []
    for _ in range(PAIRS):
        first = draw.sample(range(len(one)), OF)
        rest = [k for k in range(len(other)) if not same or k not in first]
        found.append(
            compare(joined([one[k] for k in first]), joined([other[k] for k in draw.sample(rest, OF)]))
        )
    return found


def main(repeats: int) -> None:
    sides: dict[str, list[Side]] = {state: [] for state in STATES}
    with tempfile.TemporaryDirectory() as scratch:
        for number in range(repeats):
            for state in sorted(STATES, reverse=bool(number % 2)):
                sides[state].append(rehearsed(Path(scratch), state))
                sys.stderr.write(f"{number + 1} of {repeats}: {state}\n")
    text = table(sides["before"], sides["after"], repeats)
    TABLE.write_text(text)
    sys.stdout.write(text)


def table(before: list[Side], after: list[Side], repeats: int) -> str:
    """What was found, and how far the repeats of one state scatter."""
    planted, unchanged = drawn(before, after, same=False), drawn(before, before, same=True)
    kinds = [{change.kind for change in each.changes if change.word == "worse"} for each in planted]
    rows = [
        "# Planted regressions",
        "",
        f"`python -m tests.bench.regressions {repeats}` rehearsed each state {repeats} times, in turn. Planted:",
        "memory per item +30 %, one wall at 80 % of its old place, 25 % slower. Comparisons are of five repeats",
        "against five, drawn from those.",
        "",
        "| compared | reported as a regression |",
        "|---|---|",
        f"| planted with unchanged | {sum(each.regressed for each in planted)} of {PAIRS} |",
        *(
            f"| of these, {kind} named | {sum(kind in each for each in kinds)} of {PAIRS} |"
            for kind in ("memory", "wall", "time")
        ),
        f"| unchanged with unchanged | {sum(each.regressed for each in unchanged)} of {PAIRS} |",
        "",
        "| measure | median before | after | scatter before | after |",
        "|---|---|---|---|---|",
        *(_row(name, before, after) for name in before[0].measures),
        "",
    ]
    return "\n".join(rows)


def _row(name: str, before: list[Side], after: list[Side]) -> str:
    one, other = (
        np.array([v for each in sides if name in each.measures for v in each.measures[name].values])
        for sides in (before, after)
    )
    scatter = [f"{np.std(each) / (np.mean(each) or 1):.1%}" for each in (one, other)]
    return f"| {name} | {np.median(one):.5g} | {np.median(other):.5g} | {' | '.join(scatter)} |"


if __name__ == "__main__":
    main(int((sys.argv[1:] or ["12"])[0]))
