"""Toy rehearsals to be killed: each with a mark of its own on its service's command line, by which it is found again
without any of the harness's own means."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psutil

from harness.stage import Engine
from harness.stage.watchdog import OWNER_LABEL
from tests.conftest import ROOT
from tests.faults.herd import Herd, Run

TOY = (ROOT / "tests/toy/scenario.py").read_text()
AT_WORK = "1,2,3,4,5,6,7,8"


@dataclass
class Toy:
    """One rehearsal of the toy batch, and where to look for what it has started."""

    mark: str
    run: Run
    out: Path
    engine: Engine | None = None

    def processes(self) -> list[str]:
        """Its services, by their command lines; its watchdog."""
        found = []
        for process in psutil.process_iter(["cmdline"]):
            line = process.info["cmdline"] or []
            dog = "watchdog.py" in " ".join(line) and line[-1] == self.run.owner
            if self.mark in line or dog:
                found.append(f"{process.pid}: {' '.join(line)[-80:]}")
        return found

    def folders(self) -> list[str]:
        """Its scratch folders."""
        return [str(path) for path in self.run.herd.scratch.glob(f"rehearse-{self.run.owner}-*")]

    def things(self) -> list[str]:
        """What it has in the engine."""
        if self.engine is None:
            return []
        api, wanted = self.engine.client.api, {"label": f"{OWNER_LABEL}={self.run.owner}"}
        rows = [
            *api.containers(all=True, filters=wanted),
            *api.networks(filters=wanted),
            *(api.volumes(filters=wanted)["Volumes"] or []),
        ]
        return [row.get("Id") or row["Name"] for row in rows]

    def has(self) -> list[str]:
        """Everything of it but the rehearsal itself."""
        return [*self.processes(), *self.folders(), *self.things()]

    def services(self) -> list[str]:
        """What it has beside its watchdog."""
        return [thing for thing in self.has() if "watchdog.py" not in thing]

    @property
    def folder(self) -> Path:
        """Its record."""
        return next(self.out.glob("*/2*"))

    def journal(self) -> list[dict[str, object]]:
        """The lines of its journal that can be read; the last may have been cut off."""
        found = []
        for line in (self.folder / "journal.jsonl").read_bytes().splitlines():
            try:
                found.append(json.loads(line))
            except json.JSONDecodeError:
                continue
        return found


def toys(herd: Herd, folder: Path, engine: Engine | None = None, **how: str) -> Iterator[Toy]:
    """Rehearsals one after the other, in projects of their own below `folder`, that would work for a minute or so."""
    (folder / "pyproject.toml").touch()
    while True:
        mark = f"mark-{secrets.token_hex(6)}"
        text = TOY.replace('cwd="tests/toy"', f'cwd="{ROOT}/tests/toy"').replace("{port}", "{port} " + mark)
        text = text.replace('quiet = "0s"', f'quiet = "{how.get("quiet", "6s")}"')
        if engine:
            made = f'image="{how["image"]}"' if "image" in how else f'build="{ROOT}/tests/toy"'
            kind = f'{made}, volumes=["data:/data"], command="python3 /batch.py 8000 {mark}"'
            text = text.replace("port=8000,", f"port=8000, {kind},")
        scenario = folder / f"{mark.replace('-', '_')}.py"
        scenario.write_text(text)
        words = [
            "run",
            str(scenario),
            "--stage",
            "docker" if engine else "process",
            "--out",
            str(folder / mark),
        ]
        words += [
            "--users",
            how.get("users", "2000"),
            "--scales",
            how.get("scales", AT_WORK),
            "--probes",
            "none",
        ]
        run = herd.start(words, terminal="terminal" in how, log=folder / f"{mark}.log")
        yield Toy(mark, run, folder / mark, engine)


def until(condition: Callable[[], object], seconds: float) -> bool:
    """Whether it comes true within so long."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.25)
    return True


def side_by_side(one: Callable[[int], None], count: int, at_once: int) -> None:
    """So many at a time, each with its number; all of them, also where one fails."""
    with ThreadPoolExecutor(at_once) as pool:
        for _ in pool.map(one, range(count)):
            pass
