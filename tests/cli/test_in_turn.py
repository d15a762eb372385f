"""`rehearse compare A.py B.py`: both scenarios are rehearsed in turn, and the repeats are compared."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.cli import compare
from tests.cli.conftest import Here
from tests.measures.test_compare import rehearsal


def test_two_scenarios_are_rehearsed_in_turn_and_what_got_worse_is_told(
    tmp_path: Path, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rehearsals are written here; `held` takes the place of the process that holds one."""
    turns = []

    def held(words: list[str], cwd: Path) -> tuple[int, bytes]:
        name, own = Path(words[1]).stem, Path(words[words.index("--out") + 1])
        turns.append(name)
        rehearsal(own / name / f"r{len(turns)}", len(turns), slower=1.25 if name == "after" else 1)
        assert words[2:4] == ["--scales", "1,2,5"]
        return 1, b""

    monkeypatch.setattr(compare, "called", held)
    monkeypatch.chdir(tmp_path)
    told = here("compare", "before.py", "after.py", "--out", "out", "--json", "--", "--scales", "1,2,5")
    assert turns == ["before", "after", "after", "before"] * 2 + ["before", "after"]
    assert told.returncode == 1, told.stderr
    worse = [change for change in json.loads(told.stdout)["changes"] if change["word"] == "worse"]
    assert {change["kind"] for change in worse} == {"time"}
    assert all(change["repeats"] == [5, 5] and change["p"] <= 0.05 for change in worse)
    kept = here("baseline", "accept", "out/a/before", "--out", "kept.json")
    assert "5 runs" in kept.stdout, kept.stderr


def test_a_rehearsal_that_does_not_come_to_its_end_ends_the_comparing(
    tmp_path: Path, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken.py").write_text("raise ValueError")
    monkeypatch.chdir(tmp_path)
    told = here("compare", "broken.py", "broken.py", "--out", "out")
    assert told.returncode == 2 and "not compared" in told.stderr


def test_options_of_a_rehearsal_are_for_scenarios(here: Here) -> None:
    told = here("compare", "reports/before", "reports/after", "--repeat", "3")
    assert told.returncode == 2 and "two scenario files" in told.stderr
