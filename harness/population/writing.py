"""Users into a file: JSON lines, CSV or Parquet, chunk by chunk; it has its name only when it is complete."""

from __future__ import annotations

import csv
import errno
import io
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Literal, Protocol

from harness.errors import EnvironmentProblem, UsageError
from harness.population.people import Population
from harness.population.sheets import Sheet

Kind = Literal["jsonl", "csv", "parquet"]
KINDS: tuple[Kind, ...] = ("jsonl", "csv", "parquet")

FORMULA = re.compile(r"[=+\-@\t\r\n\0＝＋－＠]")
NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")


def guarded(cell: Any) -> Any:
    """A cell that no spreadsheet runs: text that would start a formula gets an apostrophe in front."""
    if isinstance(cell, str) and FORMULA.match(cell) and not NUMBER.fullmatch(cell):
        return "'" + cell
    return cell


class Writer(Protocol):
    """Puts sheets into an open file."""

    @property
    def note(self) -> str:
        """What the reader of the file must know, once it is closed."""

    def add(self, sheet: Sheet) -> None:
        """Writes one sheet."""

    def close(self) -> None:
        """Writes what ends the file."""


class JsonLines:
    """A JSON object on each line."""

    note = ""

    def __init__(self, out: BinaryIO, names: list[str]) -> None:
        self._out = out

    def add(self, sheet: Sheet) -> None:
        """Writes one sheet."""
        self._out.write(sheet.jsonl())

    def close(self) -> None:
        """Nothing ends this file."""


class Csv:
    """A line of names, then a line for each user, in UTF-8; safe to open in a spreadsheet."""

    def __init__(self, out: BinaryIO, names: list[str]) -> None:
        self._out, self._guarded = out, 0
        self._put([names])

    @property
    def note(self) -> str:
        """How many cells differ from the values, and how."""
        if not self._guarded:
            return ""
        return (
            f"{self._guarded:,} cells that a spreadsheet would run as a formula begin with an apostrophe, "
            "which is no part of the value (JSON lines have the plain values)"
        )

    def add(self, sheet: Sheet) -> None:
        """Writes one sheet."""
        columns = []
        for column in sheet.values().values():
            safe = [guarded(cell) for cell in column]
            self._guarded += sum(new is not old for new, old in zip(safe, column, strict=True))
            columns.append(safe)
        self._put(zip(*columns, strict=True))

    def _put(self, rows: Any) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        self._out.write(text.getvalue().encode("utf-8", "backslashreplace"))

    def close(self) -> None:
        """Nothing ends this file."""


class Parquet:
    """A table in columns. Needs pyarrow; a field of the author's has the type of its first values."""

    note = ""

    def __init__(self, out: BinaryIO, names: list[str]) -> None:
        try:
            import pyarrow as arrow
            from pyarrow import parquet
        except ImportError as problem:
            raise EnvironmentProblem(
                "pyarrow is not installed",
                expected="pyarrow, for .parquet",
                fix="pip install 'rehearse[arrow]'",
            ) from problem
        self._arrow, self._parquet, self._out = arrow, parquet, out
        self._names, self._schema = names, None
        self._writer: Any = None

    def add(self, sheet: Sheet) -> None:
        """Writes one sheet as a row group."""
        self._write(sheet.values())

    def _write(self, values: dict[str, list[Any]]) -> None:
        try:
            table = self._arrow.Table.from_pydict(values, schema=self._schema)
        except (self._arrow.ArrowInvalid, self._arrow.ArrowTypeError) as problem:
            raise UsageError(
                f"a field has values of several types: {problem}",
                expected="one type for each field, as Parquet has it",
                fix="write .jsonl, or let the field's function return one type",
            ) from problem
        if self._writer is None:
            self._schema = self._with_text(table.schema)
            self._writer = self._parquet.ParquetWriter(self._out, self._schema)
            table = table.cast(self._schema)
        self._writer.write_table(table)

    def _with_text(self, schema: Any) -> Any:
        """A field that has had no value yet counts as text."""
        kinds = [self._arrow.string() if str(kind) == "null" else kind for kind in schema.types]
        return self._arrow.schema(list(zip(schema.names, kinds, strict=True)))

    def close(self) -> None:
        """Writes the footer."""
        if self._writer is None:
            self._write({name: [] for name in self._names})
        self._writer.close()


WRITERS: dict[Kind, Callable[[BinaryIO, list[str]], Writer]] = {
    "jsonl": JsonLines,
    "csv": Csv,
    "parquet": Parquet,
}


def write(
    population: Population,
    count: int,
    out: BinaryIO,
    kind: Kind,
    told: Callable[[int], None] = lambda done: None,
) -> str:
    """Writes users 0..count-1; `told` hears how many are done. Returns what the reader must know."""
    writer = WRITERS[kind](out, list(population.made_of.fields))
    done = 0
    for sheet in population.sheets(0, count):
        writer.add(sheet)
        done += len(sheet)
        told(done)
    writer.close()
    return writer.note


@contextmanager
def complete_or_absent(path: Path) -> Iterator[BinaryIO]:
    """An open file that takes its name at the end; on any failure there is none, and an older one stays.

    A link is followed, and what is no file (a pipe, /dev/null) is written to as it is.
    """
    path = path.resolve()
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    with explained(str(path)):
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if path.exists() and not path.is_file():
            with path.open("wb") as out:
                yield out
            return
        try:
            with draft.open("wb") as out:
                yield out
                out.flush()
                os.fsync(out.fileno())
            draft.replace(path)
        finally:
            with suppress(OSError):
                draft.unlink(missing_ok=True)


@contextmanager
def explained(place: str) -> Iterator[None]:
    """Whatever the system says about writing there, in our words; a reader that left is told by itself."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as problem:
        raise _explained(place, problem) from problem


def _explained(path: str, problem: OSError) -> EnvironmentProblem | UsageError:
    reason = os.strerror(problem.errno) if problem.errno else str(problem)
    if problem.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO):
        return EnvironmentProblem(
            f"{path} could not be written to its end: {reason}",
            expected="room for the file; half of one is never left under this name",
            fix="free some space, choose another disk, or ask for fewer users",
        )
    return UsageError(
        f"{path} cannot be written: {reason}",
        expected="a file in a directory that exists and that you may write to",
        fix="choose another --out, or - for standard output",
    )
