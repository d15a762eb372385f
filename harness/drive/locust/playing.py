"""One play from start to end: a Load goes in, rows and a LoadPlayed come out."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from harness.drive.locust.fleet import Fleet, Note
from harness.drive.locust.results import SAID, blocks
from harness.drive.locust.template import check_fields
from harness.drive.locust.terms import FAILED, OK, UNKNOWN, Order, Step, Template
from harness.drive.locust.workers import PLAY
from harness.errors import HarnessError, UsageError
from harness.model.load import Generator, Load, LoadKind, LoadPlayed, Pace
from harness.model.people import People
from harness.model.record import RecordWriter


@dataclass(frozen=True)
class Crew:
    """Who plays: how many workers, where the master listens, what its children inherit, a reader's own locustfile.

    scratch   a folder for what they tell each other; it is its maker's to remove
    here      how many of the workers are started on this machine; None: all
    say       where it is told what is waited for
    """

    scratch: Path
    say: Callable[[str], None]
    workers: int = 2
    here: int | None = None
    bind: tuple[str, int] = ("127.0.0.1", 0)
    extra: Mapping[str, str] = field(default_factory=dict)
    locustfile: Path = PLAY


@dataclass(frozen=True)
class Piece:
    """What is played: the load, where its service is reached, the steps, and the users it may use up."""

    kind: LoadKind
    key: str
    load: Load
    address: tuple[str, int]
    steps: Sequence[Step]
    people: People
    scale: int = 0
    open_ended: bool = False


def order_of(piece: Piece, crew: Crew) -> Order:
    """The order for a piece. Raises UsageError for fields that users do not have, or that cannot travel."""
    told = piece.people.describe()
    functions = [name for name, chosen in told["own"].items() if chosen == "function"]
    if functions:
        raise UsageError(
            f"the fields {', '.join(functions)} of the population are functions",
            expected="fields that can be sent to Locust's processes",
            fix="use the name of a Faker method, or a built-in field",
        )
    load, (host, port) = piece.load, piece.address
    asks = Template(
        base=f"http://{host}:{port}",
        method=load.method,
        path=load.path,
        headers=dict(load.headers),
        json=load.json,
        form=dict(load.form) if load.form is not None else None,
        timeout=load.timeout,
    )
    check_fields(asks, told["fields"], f"the load {load.name!r}")
    own = crew.locustfile != PLAY
    return Order(
        population=told,
        host=asks.base,
        request=None if own else asks,
        steps=list(piece.steps),
        workers=crew.workers,
        open_ended=piece.open_ended,
    )


@contextmanager
def playing(piece: Piece, crew: Crew) -> Iterator[Fleet]:
    """The fleet for a piece, in a folder that goes with it."""
    folder = crew.scratch / f"load-{piece.key}"
    try:
        with Fleet(
            order_of(piece, crew),
            folder,
            local=crew.here,
            bind=crew.bind,
            locustfile=crew.locustfile,
            extra=crew.extra,
        ) as fleet:
            yield fleet
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def play(
    piece: Piece, crew: Crew, record: RecordWriter, deadline: float, seen: Callable[[int, int], None]
) -> LoadPlayed:
    """Plays it to its end, and writes it into the record; `seen` is told how many are ok, and how many are not."""

    def heard(note: Note) -> None:
        if note["what"] == "progress":
            count = note["count"]
            seen(count["ok"], count["failed"] + count["unknown"])

    with playing(piece, crew) as fleet:
        missing = crew.workers - (crew.workers if crew.here is None else crew.here)
        if missing > 0:
            crew.say(f"waiting for {missing} workers: rehearse worker --master HOST --port {fleet.port}")
        fleet.wait(deadline, heard)
        return keep(piece, fleet, record)


def keep(
    piece: Piece, fleet: Fleet, record: RecordWriter, during: tuple[float, float] | None = None
) -> LoadPlayed:
    """Writes the rows and the LoadPlayed. Raises HarnessError where an item has two ends: our own defect."""
    tallies = [_Tally(step) for step in piece.steps]
    seen = _Once()
    for block in blocks(fleet.folder / "results.bin"):
        seen.take(block.indexes)
        rows = block.rows
        tallies[block.step].take(rows)
        record.rows(
            f"load-{piece.key}",
            item=[piece.people.id_of(index) for index in block.indexes.tolist()],
            said=[SAID[state] for state in rows["state"].tolist()],
            status=rows["status"].tolist(),
            due=np.round(rows["due"].astype(float), 4).tolist(),
            late=np.round(rows["late"].astype(float), 4).tolist(),
            took=np.round(rows["took"].astype(float), 5).tolist(),
            step=[block.step] * len(rows),
            worker=[block.worker] * len(rows),
        )
    notes = Counter(note["what"] for note in fleet.notes)
    end = next(fleet.of("end"), None)
    assert fleet.workers is not None
    played = LoadPlayed(
        kind=piece.kind,
        key=piece.key,
        scale=piece.scale,
        service=piece.load.service.name,
        what=piece.load.name,
        arrival=piece.load.arrival,
        steps=[tally.pace(piece.open_ended) for tally in tallies],
        generators=[_generator(note) for note in fleet.of("gauge")],
        again=end["count"]["again"] if end else 0,
        died=fleet.workers.deaths,
        lost=notes["lost"],
        dark=sum(note["dark"] for note in fleet.of("lost")),
        ran_out=bool(notes["ran_out"]),
        during=during,
    )
    record.event(played)
    return played


class _Once:
    """A bit for each index: whether it came to an end already."""

    def __init__(self) -> None:
        self.bits = np.zeros(1024, np.bool_)

    def take(self, indexes: Any) -> None:
        if not len(indexes):
            return
        top = int(indexes.max()) + 1
        if top > len(self.bits):
            self.bits = np.concatenate([self.bits, np.zeros(max(top, len(self.bits)), np.bool_)])
        if self.bits[indexes].any():
            raise HarnessError(
                "an item has two ends: the load was not dealt out once", expected="one end each"
            )
        self.bits[indexes] = True


class _Tally:
    """What came of one step, gathered block by block; latencies in a histogram of 1 % steps: memory is bounded."""

    LOW, RATIO, BINS = 1e-5, 1.01, 2200

    def __init__(self, step: Step) -> None:
        self.step = step
        self.states = np.zeros(256, np.int64)
        self.latencies = np.zeros(self.BINS, np.int64)
        self.first, self.last = np.inf, 0.0

    def take(self, rows: Any) -> None:
        if not len(rows):
            return
        self.states += np.bincount(rows["state"], minlength=256)
        whole = rows["late"].astype(float) + rows["took"]
        answered = whole[rows["state"] != UNKNOWN]
        places = np.log(np.maximum(answered, self.LOW) / self.LOW) / np.log(self.RATIO)
        self.latencies += np.bincount(np.minimum(places.astype(int), self.BINS - 1), minlength=self.BINS)
        self.first = min(self.first, float(rows["due"].min()))
        self.last = max(self.last, float((rows["due"] + whole).max()))

    def pace(self, open_ended: bool) -> Pace:
        ok, failed, unknown = (int(self.states[state]) for state in (OK, FAILED, UNKNOWN))
        step = self.step
        return Pace(
            concurrency=step.concurrency,
            rate=step.rate,
            asked=ok + failed + unknown if open_ended else step.count,
            ok=ok,
            failed=failed,
            unknown=unknown,
            seconds=round(max(0.0, self.last - self.first), 4) if self.states.any() else 0.0,
            latency=(self._quantile(0.5), self._quantile(0.95)) if self.latencies.any() else None,
        )

    def _quantile(self, share: float) -> float:
        below = np.cumsum(self.latencies)
        place = int(np.searchsorted(below, share * below[-1]))
        return round(float(self.LOW * self.RATIO ** (place + 0.5)), 5)


def _generator(note: Note) -> Generator:
    seconds = note["seconds"]
    return Generator(
        worker=note["worker"],
        cpu=round(note["cpu"] / seconds, 4) if seconds else 0.0,
        seconds=round(seconds, 3),
        lag=(note["lag_mean"], note["lag_most"]),
        late=int(note["late"]),
        queued=int(note["queued"]),
        memory=int(note["memory"]),
        waited=round(note["waited"] / seconds, 4) if seconds else 0.0,
    )
