"""The record of one rehearsal: the files that stand between the live half and the pure half.

    run.json          the manifest: what was rehearsed, with which seed, versions and machine
    journal.jsonl     one event a line, in order, flushed as it is written: readable after a kill
    tables/*.jsonl    many rows of one kind, in chunks of columns
    logs/             what each service wrote

Whatever is written goes through `harness.model.redaction`; run.json and each line of a JSONL file carry a sum over
themselves. Together they stay below 200 MiB: see `harness.model.room`.

Writing needs a RecordWriter; reading a Record. Both know the types of `harness.model.events` and no more.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Struct

from harness.errors import UsageError
from harness.model.event import Event
from harness.model.events import AnyEvent, Ended, NotSeen
from harness.model.lines import checked, documents, how_many, sealed, signed
from harness.model.names import open_own, part
from harness.model.redaction import clean_bytes, clean_column, clean_tree
from harness.model.room import Room

MOST_MANIFEST = 4 * 2**20
MOST_KEPT = 2**20
MOST_WHY = 8 * 2**10


class ServiceFacts(Struct, frozen=True, kw_only=True):
    """A service as it took part: its memory limit in bytes, the image it ran from, and its way in."""

    name: str
    memory_limit: int
    image: str
    entry: str


class Manifest(Struct, frozen=True, kw_only=True):
    """run.json: what was rehearsed, and with what."""

    schema: Literal["1"] = "1"
    scenario: str
    source: str
    summary: str
    run: str
    seed: int
    population: dict[str, Any]
    usual: int
    scales: list[int]
    deadline: float | None
    stage: str
    stage_why: str
    triggers: list[str]
    services: list[ServiceFacts]
    versions: dict[str, str]
    machine: dict[str, str | int]
    started: str


E_ = TypeVar("E_", bound=Event)
T_ = TypeVar("T_")
Column = Sequence[Any]


class RecordWriter:
    """Appends to the record in `folder`, as far as there is `room`. Safe to use from several threads; every write is
    flushed. Raises RecordFull where the journal or a table has no more room."""

    def __init__(self, folder: Path, room: Room | None = None) -> None:
        self.folder, self._room = folder, room or Room.of(folder)
        self._began = time.monotonic()
        self._lock = threading.Lock()
        self._encode = msgspec.json.Encoder().encode
        (folder / "tables").mkdir(parents=True)
        (folder / "logs").mkdir()
        self._journal = (folder / "journal.jsonl").open("ab")

    def __enter__(self) -> RecordWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._journal.close()

    @property
    def now(self) -> float:
        """Seconds since the record was opened, on the monotonic clock."""
        return time.monotonic() - self._began

    def manifest(self, manifest: Manifest) -> None:
        """Writes run.json."""
        text = signed(self._clean(manifest))
        with self._lock:
            self._room.note(len(text))
        (self.folder / "run.json").write_bytes(text)

    def event(self, event: Event) -> None:
        """Appends one event, stamped with the time."""
        if isinstance(event, Ended):
            event = msgspec.structs.replace(event, why=event.why[:MOST_WHY])
        line = sealed(self._clean(msgspec.structs.replace(event, t=round(self.now, 4))))
        with self._lock:
            if isinstance(event, NotSeen):
                self._room.note(len(line))
            elif not isinstance(event, Ended):  # how it ended always has its line
                self._room.take(len(line))
            self._journal.write(line)
            self._journal.flush()

    def rows(self, table: str, **columns: Column) -> None:
        """Appends a chunk of rows, given as columns of equal length, to `tables/<table>.jsonl`."""
        line = sealed(self._encode({name: clean_column(column) for name, column in columns.items()}))
        with self._lock:
            self._room.take(len(line))
            with (self.folder / "tables" / f"{part(table)}.jsonl").open("ab") as file:
                file.write(line)

    def log(self, name: str, text: bytes) -> None:
        """Keeps what a service wrote: all of it, or the last of it where the room for logs is used up."""
        cleaned = clean_bytes(text)
        kept = self._room_for_log(f"log {name}", len(cleaned))
        with (self.folder / "logs" / f"{part(name)}.log").open("ab") as file:
            file.write(cleaned[len(cleaned) - kept :])

    def page(self, made: Path, name: str) -> None:
        """Keeps a page that was made elsewhere among the logs, if there is room for all of it."""
        size = made.stat().st_size
        if self._room_for_log(name, size, whole=True) == size:
            shutil.copyfile(made, self.folder / "logs" / part(name))

    def _room_for_log(self, what: str, size: int, *, whole: bool = False) -> int:
        with self._lock:
            kept = self._room.for_log(size, whole=whole)
        if kept < size:
            why = f"{size - kept:,} of {size:,} bytes were not kept: the logs of a run have no more room than that"
            self.event(NotSeen(probe=what, why=why, decisive=False))
        return kept

    def _clean(self, document: Struct) -> bytes:
        return self._encode(clean_tree(msgspec.to_builtins(document, builtin_types=(bytes,))))


class Record:
    """Reads the record in `folder`. Lines cut off by a kill are left out and counted in `damaged`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._damaged: dict[Path, int] = {}
        self._kept: dict[tuple[str, int, int], dict[str, list[Any]]] = {}
        self._made: dict[Callable[[Record], Any], Any] = {}
        try:
            with open_own(folder / "run.json") as file:
                self.manifest = msgspec.json.decode(checked(file.read(MOST_MANIFEST)), type=Manifest)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as problem:
            raise UsageError(
                f"{folder} holds no readable run.json ({problem})",
                expected="the folder of a rehearsal, such as reports/<scenario>/latest",
                fix="give the folder that `rehearse run` named",
            ) from problem
        self.events: list[AnyEvent] = list(self._lines(folder / "journal.jsonl", AnyEvent))

    @property
    def damaged(self) -> int:
        """How many lines of what was read so far are damaged, however often they were read."""
        return sum(self._damaged.values())

    @property
    def place(self) -> str:
        """The run as a command line that is called from here names it; the usual place where it was copied away."""
        folder, own = self.folder.resolve(), (self.manifest.scenario, self.manifest.run)
        if folder.parts[-2:] != own:
            return "/".join(("reports", *own))
        return str(folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder)

    def all(self, kind: type[E_]) -> list[E_]:
        """The events of one kind, in order."""
        return [event for event in self.events if isinstance(event, kind)]

    def once(self, make: Callable[[Record], T_]) -> T_:
        """What `make` finds in this record, found once: for what several checks and pages ask for."""
        if make not in self._made:
            self._made[make] = make(self)
        found: T_ = self._made[make]
        return found

    def has(self, table: str) -> bool:
        """Whether such a table was written, be it without rows."""
        return (self.folder / "tables" / f"{part(table)}.jsonl").exists()

    def chunks(self, table: str) -> Iterator[dict[str, list[Any]]]:
        """The rows of a table as columns, one chunk at a time: for tables too long to be held whole."""
        return self._lines(self.folder / "tables" / f"{part(table)}.jsonl", dict[str, list[Any]])

    def table(self, name: str) -> dict[str, list[Any]]:
        """All rows of a table as columns, not to be changed; empty where there is no such table."""
        path = self.folder / "tables" / f"{part(name)}.jsonl"
        size = path.stat() if path.exists() else None
        if size is None or size.st_size > MOST_KEPT:
            return self._whole(name)
        key = (name, size.st_size, size.st_mtime_ns)
        if key not in self._kept:
            self._kept[key] = self._whole(name)
        return self._kept[key]

    def _whole(self, name: str) -> dict[str, list[Any]]:
        columns: dict[str, list[Any]] = {}
        for chunk in self.chunks(name):
            for column, values in chunk.items():
                columns.setdefault(column, []).extend(values)
        return columns

    def log(self, name: str) -> str:
        """What a service wrote, or an empty string."""
        path = self.folder / "logs" / f"{part(name)}.log"
        if path.is_symlink() or not path.exists():
            return ""
        return path.read_text(errors="replace")

    def logs(self) -> Iterable[Path]:
        """The log files."""
        return sorted(path for path in (self.folder / "logs").glob("*.log") if not path.is_symlink())

    def _lines(self, path: Path, kind: Any) -> Iterator[Any]:
        if not path.exists():
            return
        decoder, damaged = msgspec.json.Decoder(kind), 0
        try:
            lines = open_own(path)
        except OSError:  # a link: it leads to what is no part of this record
            self._damaged[path] = 1
            return
        with lines:
            for line, document in documents(lines):
                try:
                    yield decoder.decode(document or b"")
                except (msgspec.DecodeError, UnicodeDecodeError):
                    damaged += how_many(line)
                    self._damaged[path] = max(damaged, self._damaged.get(path, 0))
