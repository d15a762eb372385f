"""R18: names that lead out of a folder, and links. R19: scenario files that mean harm. Nothing outside is touched."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from harness import cli
from harness.errors import HarnessError, UsageError
from harness.judgement import judge
from harness.loading import load
from harness.model.record import Record, RecordWriter
from harness.replaying import scenario_of
from harness.report.files import write_reports
from tests.conftest import REHEARSE, ROOT
from tests.faults.rows import Row, Trial
from tests.model.test_record import MANIFEST

R18, R19 = Row("R18"), Row("R19")
TOY = (ROOT / "tests/toy/scenario.py").read_text().replace('"tests/toy"', repr(str(ROOT / "tests/toy")))
NAMES = [
    "../escaped", "../../escaped", "/absolute", "a/b", "..", ".", "", ".hidden", "a\0b", "a\nb", "-rf", "A" * 300,
    "a/../../escaped", "..\\escaped", "a\\..\\b", "%2e%2e%2fescaped", "~root", "con|x", "é", "a" * 129, "a b/../../c",
    "\u202egnp", "./x", "x/", "//x", "*?", "$(id)", "`id`",
]  # fmt: skip


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Path]:
    """A folder beside the one that is used; whatever appears or changes in it came out of that."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "precious").write_text("precious")
    yield folder
    assert [path.name for path in folder.iterdir()] == ["precious"]
    assert (folder / "precious").read_text() == "precious"


def everything_below(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if not path.is_dir()}


@R18.trials("a name", quick=len(NAMES), full=len(NAMES))
def test_a_name_stays_in_its_folder(trial: Trial, tmp_path: Path, outside: Path) -> None:
    name = NAMES[trial.number]
    run = tmp_path / "reports" / "s" / "r"
    with RecordWriter(run) as record:
        record.manifest(MANIFEST)
        for write in (lambda: record.log(name, b"x"), lambda: record.rows(name, a=[1])):
            with suppress(UsageError):
                write()
    before = everything_below(tmp_path)
    assert all(path.is_relative_to(run) or path.is_relative_to(outside) for path in before)
    for read in (Record(run).log, Record(run).table, Record(run).has):
        with suppress(UsageError):
            read(name)
    source = tmp_path / "scenarios" / f"{name}.py"
    with suppress(OSError, ValueError):
        source.parent.mkdir(parents=True, exist_ok=True)
        source.write_text(TOY)
    trial.fired("it was given as the name of a log, a table and a scenario")
    with suppress(HarnessError, OSError, ValueError):
        assert re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,127}", load(str(source)).name)


LINKS: dict[str, Callable[[Path, Path], None]] = {
    "the journal": lambda run, there: _link(run / "journal.jsonl", there / "precious"),
    "a log": lambda run, there: _link(run / "logs" / "x.log", there / "precious"),
    "a table": lambda run, there: _link(run / "tables" / "intended.jsonl", there / "precious"),
    "the page": lambda run, there: _link(run / "report.html", there / "precious"),
    "what becomes the page": lambda run, there: _link(run / ".report.html.partial", there / "precious"),
    "report.json": lambda run, there: _link(run / "report.json", there / "precious"),
    "the folder of causes": lambda run, there: _link(run / "causes", there),
    "a new name outside": lambda run, there: _link(run / ".summary.md.partial", there / "made"),
}


def _link(path: Path, to: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(to)


@R18.trials("a link in a record from elsewhere", quick=len(LINKS), full=len(LINKS))
def test_no_link_in_a_record_is_followed(trial: Trial, tmp_path: Path, outside: Path) -> None:
    what = list(LINKS)[trial.number]
    run = tmp_path / "run"
    with RecordWriter(run) as record:
        record.manifest(MANIFEST)
        record.rows("intended", item=["a"])
        record.log("x", b"log")
    LINKS[what](run, outside)
    assert any(path.is_symlink() for path in run.rglob("*"))
    trial.fired(f"{what} was a link")
    found = Record(run)
    assert "precious" not in found.log("x") and found.logs() in ([], [run / "logs" / "x.log"])
    with suppress(UsageError):
        write_reports(judge(found), found)
    for path in everything_below(run) - {path for path in run.rglob("*") if path.is_symlink()}:
        assert b"precious" not in path.read_bytes()


@pytest.mark.parametrize("source", ["/etc/x.py", "../x.py", "a/../../x.py"])
@R18.trials("a record that names a scenario elsewhere", quick=1, full=1)
def test_no_scenario_outside_the_project_is_executed_for_a_record(
    trial: Trial, tmp_path: Path, source: str
) -> None:
    with RecordWriter(tmp_path / "r") as record:
        record.manifest(msgspec.structs.replace(MANIFEST, source=source))
    trial.fired("its run.json names such a file")
    with pytest.raises(UsageError, match="a file of the project"):
        scenario_of(Record(tmp_path / "r"))


@R18.trials("the folder of a scenario's reports is a link", quick=1, full=1)
def test_reports_are_not_written_through_a_link(trial: Trial, tmp_path: Path, outside: Path) -> None:
    source = tmp_path / "toy.py"
    source.write_text(TOY)
    reports = tmp_path / "reports"
    reports.mkdir()
    (reports / "toy").symlink_to(outside)
    words = ["run", str(source), "--out", str(reports), "--stage", "process"]
    run = subprocess.run(
        [*REHEARSE, *words], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    trial.fired("it was a link")
    assert run.returncode == 2 and "is a link" in " ".join(run.stderr.split())


FILES: dict[str, bytes] = {
    "calls sys.exit(0)": b"import sys\nsys.exit(0)\n",
    "raises SystemExit": b"raise SystemExit\n",
    "raises a BaseException": b"class B(BaseException): pass\nraise B()\n",
    "raises KeyboardInterrupt": b"raise KeyboardInterrupt\n",
    "is 10 MB": b"x = 1\n" * 1_700_000,
    "is empty": b"",
    "is no Python": b"{ not python",
    "is binary": bytes(range(256)) * 10,
    "has a NUL": b"x = 1\0\n",
    "is nested deep": b"x = " + b"(" * 5_000 + b")" * 5_000 + b"\n",
    "is nested deeper": b"x = " + b"[" * 100_000 + b"\n",
    "recurses": b"def f(): return f()\nf()\n",
    "is Latin-1": "x = 'é'\n".encode("latin-1"),
    "has an escape in its error": b"raise ValueError('\\x1b[2J\\x1b]0;pwned\\x07')\n",
    "imports what is not there": b"import no_such_module_anywhere\n",
    "has two scenarios": TOY.encode() + TOY.replace("class Toy", "class Toy2").encode(),
    "has no trigger": TOY.replace('@trigger("JSON list")', "").encode(),
    "has no outcomes": TOY.replace("def outcomes", "def outcome").encode(),
    "has a service called ../x": TOY.replace("port=8000,", 'port=8000, name="../x",').encode(),
    "has a port of 99999": TOY.replace("port=8000,", "port=99999,").encode(),
    "has a port of -1": TOY.replace("port=8000,", "port=-1,").encode(),
    "has memory of many YiB": TOY.replace("64 MiB", "9 YiB").encode(),
    "has no users": TOY.replace("usual, scales = 10, (1, 2)", "usual, scales = 0, (1, 2)").encode(),
    "has scales that fall": TOY.replace("(1, 2)", "(2, 1)").encode(),
    "has scales of NaN": TOY.replace("(1, 2)", '(float("nan"),)').encode(),
    "waits for a duration that is none": TOY.replace('quiet = "0s"', 'quiet = "soon"').encode(),
    "has a build outside": TOY.replace("port=8000,", 'port=8000, build="../../etc",').encode(),
    "runs in no folder": TOY.replace("port=8000,", "port=8000,")
    .replace("tests/toy", "no/such/folder")
    .encode(),
    "calls itself": TOY.replace(
        "    @trigger", "    a = Service(port=1, build='x')\n    a.calls = [a]\n\n    @trigger", 1
    ).encode(),
    "replaces a hook by a number": TOY.replace(
        "def progress(self, live):", "def progres(self, live):"
    ).encode(),
    "has a class attribute that raises": TOY.replace("quiet =", "bad = 1 / 0\n    quiet =").encode(),
    "has a population that is none": TOY.replace("quiet =", "population = 7\n    quiet =").encode(),
}


@R19.trials("a scenario file", quick=len(FILES), full=len(FILES))
def test_a_scenario_that_means_harm_is_refused(
    trial: Trial, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    what = list(FILES)[trial.number]
    source = tmp_path / "mine.py"
    source.write_bytes(FILES[what])
    trial.fired(f"the file {what}")
    code = _code(["run", str(source), "--out", str(tmp_path / "reports"), "--stage", "process"])
    printed = capfd.readouterr()
    assert code in (2, 4, 130) and code == (
        130 if "Keyboard" in what else 4 if "BaseException" in what else 2
    )
    assert "\x1b" not in printed.err + printed.out
    assert not (tmp_path / "reports").exists()


KINDS: dict[str, Callable[[Path], object]] = {
    "a pipe": os.mkfifo,
    "a folder": Path.mkdir,
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a link in a circle": lambda path: path.symlink_to(path),
    "a link to nothing": lambda path: path.symlink_to("nowhere"),
}


@R19.trials("what is no file", quick=len(KINDS), full=len(KINDS))
def test_what_is_no_file_is_no_scenario(trial: Trial, tmp_path: Path) -> None:
    what = list(KINDS)[trial.number]
    KINDS[what](tmp_path / "mine.py")
    trial.fired(what)
    assert _code(["run", str(tmp_path / "mine.py"), "--out", str(tmp_path / "reports")]) == 2


HOOKS = ["seed", "by_json", "outcomes", "effects", "progress"]
EXITS = ["import os; os._exit(0)", "import sys; sys.exit(0)"]


@R19.trials("a hook that ends the process", quick=2, full=len(HOOKS) * len(EXITS))
def test_a_hook_that_exits_makes_nothing_ready(trial: Trial, tmp_path: Path) -> None:
    hook, ending = HOOKS[-1 - trial.number // 2], EXITS[trial.number % 2]
    head = "    def seed(self, live, users):" if hook == "seed" else f"    def {hook}("
    text = (
        TOY
        if hook != "seed"
        else TOY.replace("    def outcomes", f"{head}\n        pass\n\n    def outcomes")
    )
    lines = text.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith(head.removesuffix(":")))
    lines.insert(at + 1, f"        {ending}")
    source = tmp_path / "mine.py"
    source.write_text("\n".join(lines))
    words = ["run", str(source), "--out", str(tmp_path / "reports"), "--stage", "process", "--scales", "1"]
    run = subprocess.run(
        [*REHEARSE, *words], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    trial.fired(f"{hook}() calls it")
    assert run.returncode == 2 and "SystemExit" in run.stderr
    latest = Record(tmp_path / "reports/mine/latest")
    assert latest.events[-1].status == "failed", "the journal has its end"


def _code(words: list[str]) -> int:
    """What the command ends with, called in this process: quick."""
    before = sys.argv
    sys.argv = ["rehearse", *words]
    try:
        return cli._run()
    finally:
        sys.argv = before


@R18.trials("a run whose scenario leads out", quick=3, full=3)
def test_a_baseline_stays_in_its_folder(
    trial: Trial, tmp_path: Path, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = ["../outside/made", str(outside / "made"), "..\\made"][trial.number]
    with RecordWriter(tmp_path / "r") as record:
        record.manifest(msgspec.structs.replace(MANIFEST, scenario=scenario))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    trial.fired("its run.json says so")
    assert _code(["baseline", "accept", str(tmp_path / "r")]) == 2
    assert list((tmp_path / "here").iterdir()) == []
