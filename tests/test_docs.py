"""What stands in docs/ is true: workflows run, commands exist, the example check finds, links lead somewhere."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml

from harness.cli import cli
from harness.model.record import Record
from tests.conftest import ROOT
from tests.report.staged import staged

DOCS = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
TOY = (ROOT / "tests/toy/scenario.py").read_text().replace('cwd="tests/toy"', 'cwd="."')


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Somebody's project, with a scenario at the place that the workflows name, and the command on the PATH."""
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "mine.py").write_text(TOY)
    (tmp_path / "batch.py").write_text((ROOT / "tests/toy/batch.py").read_text())
    command = tmp_path / "bin" / "rehearse"
    command.parent.mkdir()
    command.write_text(f"#!{sys.executable}\nfrom harness.cli import main\nmain()\n")
    command.chmod(0o755)
    return tmp_path


def ran(project: Path, lines: list[str], variables: dict[str, str]) -> int:
    """The lines as a runner's shell takes them. Only the installing is left out: it is installed."""
    script = "\n".join(line for line in lines if not line.startswith("python -m pip install"))
    env = os.environ | variables | {"PATH": f"{project / 'bin'}:{os.environ['PATH']}"}
    env |= {"REHEARSE_STAGE": "process", "REHEARSE_PROBES": "none", "REHEARSE_SCALES": "1"}
    env.pop("GITHUB_ACTIONS", None)
    done = subprocess.run(["bash", "-e", "-c", script], cwd=project, env=env, timeout=200, check=False)
    return done.returncode


def test_the_workflow_for_github_rehearses_and_leaves_what_it_uploads(project: Path) -> None:
    flow = yaml.safe_load((ROOT / "docs/ci/github.yml").read_text())
    steps = flow["jobs"]["rehearse"]["steps"]
    assert [ran(project, [step["run"]], flow["env"]) for step in steps if "run" in step] == [0, 0, 0]
    for step in steps:
        place = step.get("with", {}).get("path") or step.get("with", {}).get("sarif_file")
        assert place is None or (project / place).exists(), place


def test_the_job_for_gitlab_fails_by_what_is_worse_than_the_baseline(project: Path) -> None:
    job = yaml.safe_load((ROOT / "docs/ci/gitlab.yml").read_text())["rehearse"]
    assert ran(project, job["script"], job["variables"]) == 0
    assert ran(project, job["after_script"], job["variables"]) == 0
    for place in (*job["artifacts"]["paths"], job["artifacts"]["reports"]["junit"]):
        assert (project / place).exists(), place
    assert ran(project, ["rehearse baseline accept reports/mine/latest"], {}) == 0
    (project / "scenarios" / "mine.py").write_text(
        TOY.replace('cwd="."', 'cwd=".", env={"TOY_PAY_TWICE": "4"}')
    )
    assert ran(project, ["export REHEARSE_FAIL_ON=never", *job["script"]], job["variables"]) == 1


@pytest.mark.parametrize(
    "path", ["docs/ci/github.yml", "docs/ci/gitlab.yml", "harness/cli/first/workflow.txt"]
)
def test_no_workflow_installs_the_package_of_that_name_which_is_not_ours(path: str) -> None:
    text = (ROOT / path).read_text().replace("$$", "$")
    assert re.findall(r"pip install (.+)", text) == ['"$REHEARSE"'] and re.search(
        r"^ +REHEARSE: ", text, re.M
    )


def commands() -> Iterator[tuple[str, list[str]]]:
    for path in DOCS:
        for block in re.findall(r"^```(?:sh|console)?\n(.*?)^```", path.read_text(), re.M | re.S):
            for line in block.splitlines():
                called = re.match(r"(?:[A-Z_]+=\S+ )*(?:\.venv/bin/)?rehearse (.+)", line.strip())
                if called:
                    yield (
                        f"{path.name}: {line.strip()}",
                        shlex.split(re.split(r"\s{3,}|\s+#|\s+[>|]", called[1])[0]),
                    )


@pytest.mark.parametrize(("line", "words"), list(commands()))
def test_every_command_in_the_docs_exists_with_its_options(line: str, words: list[str]) -> None:
    command: click.Command = cli
    while isinstance(command, click.Group):
        assert words[0] in command.commands, line
        command = command.commands[words.pop(0)]
    context = click.Context(command)
    command.make_parser(context).parse_args(list(words))


@pytest.mark.parametrize("path", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text()):
        assert target.startswith("http") or (path.parent / target).exists(), target


def test_the_example_of_a_check_finds(tmp_path: Path) -> None:
    text = (ROOT / "docs/checks.md").read_text()
    example = re.search(r"^```python\n(.*?)^```", text, re.M | re.S)
    assert example is not None
    namespace: dict[str, object] = {}
    exec(compile(example[1], "checks.md", "exec"), namespace)  # the text of our own page
    check = namespace["check"]
    assert callable(check)
    found = list(check(Record(staged(tmp_path / "run").folder)))
    assert [(each.code, each.counts) for each in found] == [("STOP-901", {"2x": 2, "5x": 2})]


def test_what_the_page_of_triggers_shows_stands_in_the_samples() -> None:
    samples = [path.read_text() for path in sorted((ROOT / "scenarios").glob("payouts_by_*.py"))]
    shown = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs/triggers.md").read_text(), re.M | re.S)
    assert len(shown) == 4
    assert [block for block in shown if not any(block in sample for sample in samples)] == []


def test_no_page_is_long() -> None:
    assert {path.name: n for path in DOCS if (n := len(path.read_text().splitlines())) > 160} == {}
    assert len((ROOT / "README.md").read_text().splitlines()) <= 75
