"""How soon the report is there once the last thing was measured: `python -m tests.bench.ending [TIMES]`.

The sample is rehearsed live at 1x to 10x on each stage. The last measurement is the last event before the record's
end, or the last table or log that was written; from there on the stage is taken down, the record closed, judged, and
told of.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import astuple, dataclass
from pathlib import Path

from harness.model.events import Ended
from harness.model.record import Record
from harness.stage import Engine, find_engine

ROOT = Path(__file__).parents[2]
TABLE = Path(__file__).with_name("ending.md")
REPORTS = ("report.json", "report.html", "summary.md", "junit.xml", "results.sarif")


@dataclass(frozen=True)
class Live:
    """Seconds after the last measurement at which the record was closed, the page there, all reports, and the
    command at its end; and how long it took in all."""

    closed: float
    page: float
    all_reports: float
    gone: float
    took: float


def rehearsed(stage: str, out: Path) -> Live:
    """One rehearsal of the sample, and when each file was written. Wall clock: files know no other."""
    words = [
        "run",
        "scenarios/friday_payouts.py",
        "--stage",
        stage,
        "--probes",
        "none",
        "--quiet",
        "--out",
        str(out),
    ]
    code = "from harness.cli import main; main()"
    began = time.time()
    ended = subprocess.run([sys.executable, "-c", code, *words], cwd=ROOT, check=False, capture_output=True)
    gone = time.time()
    if ended.returncode != 1:
        raise SystemExit(f"the sample ended with {ended.returncode}: {ended.stderr.decode()[-500:]}")
    folder = (out / "friday_payouts" / "latest").resolve()
    record = Record(folder)
    (end,) = record.all(Ended)
    last = max(event.t for event in record.events if event is not end)
    closed = (folder / "journal.jsonl").stat().st_mtime
    written = [path.stat().st_mtime for part in ("tables", "logs") for path in (folder / part).iterdir()]
    measured = max([closed - (end.t - last), *written])
    told = [(folder / name).stat().st_mtime for name in REPORTS]
    return Live(closed - measured, told[1] - measured, max(told) - measured, gone - measured, gone - began)


def main() -> None:
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    stages = ["process", *(["docker"] if isinstance(find_engine(), Engine) else [])]
    rows = []
    for stage in stages:
        lives = []
        for number in range(times):
            with tempfile.TemporaryDirectory() as scratch:
                lives.append(rehearsed(stage, Path(scratch)))
            sys.stderr.write(f"{stage} {number + 1}: {lives[-1]}\n")
        *soon, took = (statistics.median(seconds) for seconds in zip(*map(astuple, lives), strict=True))
        rows.append(f"| {stage} | {' | '.join(f'{seconds:.2f} s' for seconds in soon)} | {took:.0f} s |")
    text = [
        "# How soon the report is there",
        "",
        "Written by `python -m tests.bench.ending`: the sample, live, at 1x, 2x, 5x and 10x of 400 users; seconds",
        f"after the last measurement, medians of {times}. Goal: the report within 1 s.",
        "",
        "| stage | it is down, the record closed | report.html | all reports | the command has ended | in all |",
        "|---|---|---|---|---|---|",
        *rows,
    ]
    TABLE.write_text("\n".join(text) + "\n")
    sys.stdout.write("\n".join(text) + "\n")


if __name__ == "__main__":
    main()
