"""Files of users: complete or absent, the same bytes each time, and safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from pyarrow import parquet

from harness.cli.users import command
from harness.errors import EnvironmentProblem, HarnessError, UsageError
from harness.population import Population
from harness.population.edges import CATALOGUE
from harness.population.writing import FORMULA, NUMBER, complete_or_absent, guarded, write


def run(*words: str) -> Result:
    return CliRunner().invoke(command, words)


def problem(*words: str) -> HarnessError:
    found = run(*words).exception
    assert isinstance(found, HarnessError), found
    return found


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_the_same_seed_writes_the_same_bytes(tmp_path: Path, kind: str) -> None:
    for name in ("one", "two"):
        options = ("--count", "150", "--scale", "2", "--seed", "4", "--edges", "0.2")
        done = run(*options, "--out", str(tmp_path / f"{name}.{kind}"))
        assert done.exit_code == 0, done.exception
        assert "300 users of seed 4 written" in done.stderr
        assert "60 of them carry awkward values: 60 of 150 labels" in done.stderr
    assert (tmp_path / f"one.{kind}").read_bytes() == (tmp_path / f"two.{kind}").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"one.{kind}", f"two.{kind}"]


def test_json_lines_and_parquet_hold_the_users_as_they_are(tmp_path: Path) -> None:
    users = [dict(user.data) for user in Population(4, edges=0.5).users(400)]
    for kind in ("jsonl", "parquet"):
        run("--count", "400", "--seed", "4", "--edges", "0.5", "--out", str(tmp_path / f"users.{kind}"))
    lines = (tmp_path / "users.jsonl").read_text().split("\n")
    assert [json.loads(line) for line in lines[:-1]] == users
    assert parquet.read_table(tmp_path / "users.parquet").to_pylist() == users


def test_a_scale_keeps_the_first_lines(tmp_path: Path) -> None:
    for scale in ("1", "10"):
        run("--count", "50", "--scale", scale, "--out", str(tmp_path / f"{scale}.jsonl"))
    small, large = ((tmp_path / f"{scale}.jsonl").read_bytes() for scale in ("1", "10"))
    assert large.startswith(small)
    assert large.count(b"\n") == 500


def test_no_cell_of_a_csv_file_is_a_formula() -> None:
    out = io.BytesIO()
    note = write(Population(4, edges=1), 2 * len(CATALOGUE), out, "csv")
    rows = list(csv.reader(io.StringIO(out.getvalue().decode(), newline="")))
    cells = [cell for row in rows for cell in row]
    assert len(rows) == 2 * len(CATALOGUE) + 1
    assert not [cell for cell in cells if FORMULA.match(cell) and not NUMBER.fullmatch(cell)]
    assert any(cell.startswith("'=HYPERLINK") for cell in cells)
    assert "begin with an apostrophe" in note


def test_numbers_are_no_formulas() -> None:
    assert [guarded(cell) for cell in ("-5.00", "+1", "-1+1", "=1", "@a", "\t", None, 3, "a=b")] == [
        "-5.00", "+1", "'-1+1", "'=1", "'@a", "'\t", None, 3, "a=b",
    ]  # fmt: skip


def test_standard_output_holds_users_and_nothing_else() -> None:
    done = run("--count", "3", "--out", "-", "--fields", "id,job")
    assert [list(json.loads(line)) for line in done.stdout.splitlines()] == [["id", "job"]] * 3
    assert "3 users" in done.stderr
    assert run("--count", "3", "--out", "-", "--format", "csv").stdout.startswith("id,name,email")


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_no_users_are_an_empty_file(tmp_path: Path, kind: str) -> None:
    assert run("--count", "0", "--out", str(tmp_path / f"none.{kind}")).exit_code == 0
    assert (tmp_path / f"none.{kind}").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--count", "-1", "--out", "-"), "--count -1"),
        (("--count", "1", "--scale", "0", "--out", "-"), "--scale 0"),
        (("--count", "1", "--out", "users.xls"), "users.xls"),
        (("--count", "1", "--out", "-", "--locale", "de_XX"), "unknown locale"),
        (("--count", "1", "--out", "-", "--locale", "de_DE=x"), "--locale de_DE=x"),
        (("--count", "1", "--out", "-", "--fields", "nmae"), "unknown field"),
        (("--count", "1", "--out", "-", "--edges", "1.5"), "edges=1.5"),
        (("--count", "1", "--out", "-", "--labels", "nope"), "unknown label"),
        (("--count", "2000000", "--out", "-"), "1,000,000 users apart"),
    ],
)
def test_bad_input_is_a_usage_error(words: tuple[str, ...], told: str) -> None:
    found = problem(*words)
    assert isinstance(found, UsageError)
    assert told in str(found)


@pytest.mark.parametrize("place", ["missing/users.jsonl", "folder.jsonl", "file.txt/users.jsonl"])
def test_a_place_that_cannot_be_written_is_a_usage_error(tmp_path: Path, place: str) -> None:
    (tmp_path / "folder.jsonl").mkdir()
    (tmp_path / "file.txt").touch()
    found = problem("--count", "1", "--out", str(tmp_path / place))
    assert isinstance(found, UsageError)
    assert "cannot be written" in str(found)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file.txt", "folder.jsonl"]


@contextmanager
def small_disk(size: int) -> Iterator[None]:
    """No file of this process may grow larger."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_a_full_disk_leaves_nothing_and_keeps_the_older_file(tmp_path: Path, kind: str) -> None:
    older = tmp_path / f"older.{kind}"
    older.write_text("older")
    for path in (older, tmp_path / f"new.{kind}"):
        with small_disk(50_000):
            found = problem("--count", "20000", "--out", str(path))
        assert isinstance(found, EnvironmentProblem)
        assert found.exit_code == 5
    assert [path.name for path in tmp_path.iterdir()] == [f"older.{kind}"]
    assert older.read_text() == "older"


def test_a_device_is_written_to_and_stays_a_device() -> None:
    found = problem("--count", "1000", "--out", "/dev/full", "--format", "jsonl")
    assert isinstance(found, EnvironmentProblem)
    assert "No space left" in str(found)
    assert Path("/dev/full").is_char_device()
    assert run("--count", "1", "--out", "/dev/null", "--format", "jsonl").exit_code == 0


def test_a_full_standard_output_is_told_in_words() -> None:
    words = "from harness.cli.users import command; command(['--count', '9', '--out', '-'])"
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([sys.executable, "-c", words], stdout=full, stderr=subprocess.PIPE, check=False)
    assert b"standard output could not be written to its end: No space left" in done.stderr


def test_a_reader_that_leaves_is_no_failure() -> None:
    words = "from harness.cli.users import command; command(['--count', '50000', '--out', '-'])"
    with subprocess.Popen(
        [sys.executable, "-c", words], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        told = process.stderr.read()
    assert process.returncode == 0
    assert b"Traceback" not in told


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "users.jsonl")
    run("--count", "1", "--out", str(tmp_path / "link.jsonl"))
    assert (tmp_path / "link.jsonl").is_symlink()
    assert (tmp_path / "users.jsonl").read_text().count("\n") == 1


def test_an_interrupted_file_has_no_name(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), complete_or_absent(tmp_path / "users.jsonl") as out:
        out.write(b"half")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []
