"""The line that shows a finding again is a call of `rehearse run`, with as many users as there were."""

from __future__ import annotations

from pathlib import Path

import click

from harness.checks.showing import again, at_scales
from harness.cli import run
from harness.judgement import judge
from harness.model.scenario import Effect, Outcome
from tests.checks.books import Books
from tests.checks.test_load import pace, played, recorded

USERS = [str(n) for n in range(1, 21)]


def test_it_rehearses_as_many_users_as_then_not_as_many_as_the_scenario_has_now(tmp_path: Path) -> None:
    books = Books(tmp_path / "run", USERS, scales=(1, 2))
    for scale in (1, 2):
        users = books.users[: 10 * scale]
        books.scale(scale, [Outcome(u, "ok") for u in users], [Effect(u) for u in users[1:]])
    (lost,) = (one for one in judge(books.close()).findings if one.code == "LOST-001")
    assert lost.reproduce is not None
    assert lost.reproduce.argv == ["rehearse", "run", "scenarios/books.py", "--scales", "2", "--users", "10"]


def test_every_word_of_it_is_one_that_the_command_takes(tmp_path: Path) -> None:
    record = recorded(tmp_path / "run", played("items", pace(4, 90, failed=10)))
    (load,) = (one for one in judge(record).findings if one.code.startswith("LOAD-"))
    lines = [load.reproduce, at_scales(record, 1, 5), again(record, "--scales", "1", "--tap", "on")]
    for line in lines:
        assert line is not None and line.argv[:2] == ["rehearse", "run"]
        context = click.Context(run.command)
        values, rest, _ = run.command.make_parser(context).parse_args(
            [*line.argv[2:], "--seed", str(line.seed)]
        )
        assert rest == [] and values["users"] == "10"
    assert load.reproduce is not None and "load" in load.reproduce.argv
