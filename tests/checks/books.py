"""Records written by hand: a batch's word and a ledger, without a batch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from harness.model.events import Ended, Pressed, ScaleDone
from harness.model.exchange import Exchange, Sizes
from harness.model.record import Event, Manifest, Record, RecordWriter, ServiceFacts
from harness.model.scenario import Effect, Outcome

SERVICE = ServiceFacts(name="batch", memory_limit=2**29, image="process", entry="batch")
EXCHANGE = Exchange(service="batch", method="POST", path="/run", sizes=Sizes(20, 4, 80, 0, 0), status=200)


def manifest(scales: Sequence[int], usual: int) -> Manifest:
    """A manifest that says no more than it must."""
    return Manifest(
        scenario="books",
        source="scenarios/books.py",
        summary="",
        run="1",
        seed=1,
        usual=usual,
        scales=list(scales),
        deadline=None,
        stage="process",
        stage_why="",
        triggers=["button"],
        services=[SERVICE],
        population={},
        versions={},
        machine={},
        started="",
    )


class Books:
    """Writes one rehearsal: users first, then the word and the effects of each scale."""

    def __init__(self, folder: Path, users: Sequence[str], scales: Sequence[int] = (1,)) -> None:
        self.folder, self.users, self.scales = folder, list(users), scales
        self.usual = len(users) // scales[-1]
        self.record = RecordWriter(folder)
        self.record.manifest(manifest(scales, self.usual))
        self.record.rows("intended", item=self.users)

    def expect(self, effects: Iterable[Effect]) -> None:
        """What the scenario expects downstream."""
        self._effects("expected", list(effects))

    def scale(
        self, scale: int, said: Iterable[Outcome], done: Iterable[Effect], *, presses: int = 1, chunk: int = 7
    ) -> None:
        """One scale: the batch's word and the effects, in small chunks."""
        self.said(f"items-{scale}", list(said), chunk)
        self._effects(f"effects-{scale}", list(done), chunk)
        self.event(
            ScaleDone(
                scale=scale,
                users=scale * self.usual,
                trigger="button",
                presses=presses,
                seconds=1.0,
                batch_seconds=1.0,
                complete=True,
            )
        )

    def said(self, table: str, rows: list[Outcome], chunk: int = 7) -> None:
        """A table of the batch's word."""
        for first in range(0, max(len(rows), 1), chunk):
            part = rows[first : first + chunk]
            self.record.rows(
                table,
                item=[row.item for row in part],
                said=[row.said for row in part],
                detail=[row.detail for row in part],
            )

    def pressed(self, number: int, done: int, failed: int, *, scale: int = 1) -> None:
        """One press of the button, and how far the batch came."""
        users = scale * self.usual
        self.event(
            Pressed(
                scale=scale,
                trigger="button",
                press=number,
                users=users,
                exchange=EXCHANGE,
                accepted=True,
                why="",
                seconds=1.0,
                done=done,
                failed=failed,
                left=users - done - failed,
            )
        )

    def event(self, event: Event) -> None:
        """Any event."""
        self.record.event(event)

    def close(self) -> Record:
        """The record as a judge reads it."""
        self.record.event(Ended(status="completed", why="", seconds=1.0, harness_cpu=0.1))
        self.record.__exit__(None, None, None)
        return Record(self.folder)

    def _effects(self, table: str, rows: list[Effect], chunk: int = 7) -> None:
        for first in range(0, max(len(rows), 1), chunk):
            part = rows[first : first + chunk]
            self.record.rows(
                table,
                item=[row.item for row in part],
                amount=[row.amount for row in part],
                step=[row.step for row in part],
                content=[row.content for row in part],
            )
