"""How soon the report is there once the last thing was measured: `python -m tests.bench.ending`.

The sample is rehearsed live at 1x to 10x on each stage. The last measurement is the last event before the record's
end, or the last table or log that was written; from there on the stage is taken down, the record closed, judged, and
told of.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
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
    stages = ["process", *(["docker"] if isinstance(find_engine(), Engine) else [])]
    rows = []
    for stage in stages:
        with tempfile.TemporaryDirectory() as scratch:
            live = rehearsed(stage, Path(scratch))
        rows.append(
            f"| {stage} | {live.closed:.2f} s | {live.page:.2f} s | {live.all_reports:.2f} s | {live.gone:.2f} s |"
            f" {live.took:.0f} s |"
        )
        sys.stderr.write(rows[-1] + "\n")
    text = [
        "# How soon the report is there",
        "",
        "Written by `python -m tests.bench.ending`: the sample, live, at 1x, 2x, 5x and 10x of 400 users; seconds",
        "after the last measurement. Goal: the report within 1 s.",
        "",
        "| stage | it is down, the record closed | report.html | all reports | the command has ended | in all |",
        "|---|---|---|---|---|---|",
        *rows,
    ]
    TABLE.write_text("\n".join(text) + "\n")
    sys.stdout.write("\n".join(text) + "\n")


if __name__ == "__main__":
    main()
