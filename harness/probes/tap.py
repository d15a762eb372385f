"""Listens to the taps of a stage: their journals go into the record as they grow, and become the second witness.

tables/exchanges-<key>.jsonl   every exchange, as the tap tells it (harness.tap.journal), at most 20 MiB
tables/tap-<key>.jsonl         item, status, ... of each request that may have done something, once all was heard
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from harness.model.events import NotSeen
from harness.model.record import RecordWriter
from harness.model.stage import Tap
from harness.tap.remote import TapGone

EVERY = 0.5
KEPT_AT_MOST = 20 * 2**20
SAFE = ("GET", "HEAD", "OPTIONS")
COLUMNS = ("item", "status", "given", "route", "key", "t")


@dataclass(frozen=True)
class Row:
    """One item in one request: the status that the downstream answered with, and the one that the batch was given."""

    item: str
    status: int | None
    given: int | None
    route: str
    key: str
    t: float


class Listener:
    """From its beginning to its end all that passes the taps is written down. Does nothing where there are none."""

    def __init__(self, taps: Mapping[str, Tap], items: Iterable[str], record: RecordWriter, key: str) -> None:
        self._taps, self._items, self._record, self._key = taps, items, record, key
        self._rows: list[Row] = []
        self.heard, self._kept, self._cut = 0, 0, 0
        self._gone = ""
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="tap listener", daemon=True)

    def __enter__(self) -> Listener:
        try:
            for tap in self._taps.values():
                tap.recognise(self._items)
                tap.exchanges()
        except TapGone as problem:
            self._gone = str(problem)
        if self._taps:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._taps:
            return
        self._over.set()
        self._thread.join()
        self._take()
        if self._gone:
            self._record.event(NotSeen(probe=f"the tap ({self._key})", why=self._gone))
        elif not self.heard:
            why = "nothing passed the tap: the batch finds the service in another way than by its name on the stage"
            self._record.event(NotSeen(probe=f"the tap ({self._key})", why=why))
        else:
            self._keep(effects(self._rows))
        if self._cut:
            why = (
                f"{self._cut:,} of {self.heard:,} exchanges were not kept beyond {KEPT_AT_MOST // 2**20} MiB"
            )
            self._record.event(NotSeen(probe=f"details of the tap ({self._key})", why=why))

    def _listen(self) -> None:
        while not self._over.wait(EVERY):
            self._take()

    def _take(self) -> None:
        if self._gone:
            return
        try:
            for service, tap in self._taps.items():
                found = tap.exchanges()
                self.heard += len(found)
                self._rows += [row for one in found for row in _rows(one)]
                self._write(service, found)
        except TapGone as problem:
            self._gone = str(problem)

    def _write(self, service: str, found: list[dict[str, Any]]) -> None:
        if found and self._kept >= KEPT_AT_MOST:
            self._cut += len(found)
        elif found:
            self._kept += sum(len(str(one)) for one in found)
            columns = {
                name: [one.get(name) for one in found] for name in dict.fromkeys(k for o in found for k in o)
            }
            self._record.rows(f"exchanges-{self._key}", service=[service] * len(found), **columns)

    def _keep(self, rows: list[Row]) -> None:
        columns = {name: [getattr(row, name) for row in rows] for name in COLUMNS}
        self._record.rows(f"tap-{self._key}", **columns)


def effects(rows: list[Row]) -> list[Row]:
    """The requests that can be the effect on an item: those of the route that most items took, with GET and its like
    only where there is nothing else; of a key that was sent again, what was answered with success counts once."""
    acting = [row for row in rows if not row.route.startswith(SAFE)] or rows
    routes: dict[str, set[str]] = {}
    for row in acting:
        routes.setdefault(row.route, set()).add(row.item)
    if not routes:
        return []
    chosen = max(routes, key=lambda route: len(routes[route]))
    seen = Counter[tuple[str, str]]()
    found = []
    for row in acting:
        if row.route != chosen:
            continue
        good = 200 <= (row.status or 0) < 300
        if good and row.key:
            seen[row.item, row.key] += 1
            if seen[row.item, row.key] > 1:
                continue
        found.append(row)
    return found


def _rows(exchange: dict[str, Any]) -> Iterable[Row]:
    items = exchange.get("items") or []
    path = str(exchange.get("target", "")).partition("?")[0]
    for item in items:
        route = f"{exchange['method']} {path.replace(item, '{id}')}"
        yield Row(item, exchange["upstream"], exchange["status"], route, exchange["key"], exchange["t"])
