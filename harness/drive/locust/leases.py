"""Who may send which user: the pool of indexes, dealt out in leases. Pure: no clock, no socket.

An index is in the pool, in one lease, or through. It goes back to the pool only on the word of a slate.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from harness.drive.locust.terms import FAILED, OK, ROW, SENDING, UNKNOWN, UNSENT, Lease, Step

SLICE = 0.5
"""Seconds of work in one lease, where the rate is known: what a lost worker leaves in the dark is no more."""

Range = tuple[int, int, int]


@dataclass
class Held:
    """A lease that is out: at whom, since when, what was last heard of its rows, and whether the worker is lost."""

    lease: Lease
    worker: str
    since: float
    rows: bytes = b""
    lost: bool = False


@dataclass
class Leases:
    """The steps of a play, one after the other.

    count     how many items have come to which end; `dealt_again` how many were dealt out a second time
    """

    steps: Sequence[Step]
    workers: int
    most: int
    step: int = -1
    count: Counter[int] = field(default_factory=Counter)
    dealt_again: int = 0
    held: dict[int, Held] = field(default_factory=dict)
    _pool: deque[Range] = field(default_factory=deque)
    _again: deque[Range] = field(default_factory=deque)
    _fresh: int = 0
    _began: float = 0.0
    _closed: bool = False
    _number: int = 0

    def begin(self, now: float) -> None:
        """Goes on to the next step, which begins at `now` seconds of the play."""
        self.step += 1
        self._fresh, self._began = 0, now

    @property
    def through(self) -> bool:
        """Whether nothing of this step is in the pool, or out with a worker that can be heard."""
        return not self._left and not self.waiting

    @property
    def waiting(self) -> bool:
        """Whether a worker that can be heard still has items."""
        return any(not held.lost for held in self.held.values())

    def close(self) -> None:
        """From now on nothing is dealt out."""
        self._closed = True

    @property
    def out(self) -> int:
        """How many items are out in leases."""
        return sum(held.lease.count for held in self.held.values())

    @property
    def _left(self) -> int:
        if not 0 <= self.step < len(self.steps):
            return 0
        pooled = sum(count for _, _, count in (*self._pool, *self._again))
        return pooled + self.steps[self.step].count - self._fresh

    def grant(self, worker: str, wanted: int, now: float) -> Lease | None:
        """A lease for this worker: some `wanted` indexes, fewer towards the end, or what has to be sent again."""
        if self._closed or not 0 <= self.step < len(self.steps):
            return None
        step, again = self.steps[self.step], bool(self._again)
        if not self._pool and not again:
            self._deal(step, wanted)
        pool = self._again or self._pool
        if not pool:
            return None
        first, stride, count = pool.popleft()
        fair = max(1, min(wanted, self.most, -(-count // self.workers) if again else count))
        if count > fair:
            pool.appendleft((first + fair * stride, stride, count - fair))
        due, gap = self._due(step, first, stride, again, now)
        self._number += 1
        lease = Lease(self._number, self.step, first, stride, min(count, fair), due, gap, again)
        self.held[lease.number] = Held(lease, worker, now)
        self.dealt_again += lease.count if again else 0
        return lease

    def _deal(self, step: Step, wanted: int) -> None:
        """Moves the next indexes of the step into the pool: for an open arrival one round, a hand of each worker,
        so that all of them are busy all of the time."""
        left = step.count - self._fresh
        first = step.first + self._fresh
        if step.rate:
            hand = max(1, min(self.most, int(step.rate * SLICE / self.workers)))
            taken = min(left, hand * self.workers)
            for offset in range(min(self.workers, taken)):
                self._pool.append((first + offset, self.workers, len(range(offset, taken, self.workers))))
        else:
            taken = min(left, self.most, max(1, min(wanted, left // (2 * self.workers))))
            if taken:
                self._pool.append((first, 1, taken))
        self._fresh += taken

    def _due(self, step: Step, first: int, stride: int, again: bool, now: float) -> tuple[float, float]:
        if not step.rate:
            return 0.0, 0.0
        own = self._began + (first - step.first) / step.rate
        return (now if again else own), stride / step.rate

    def heard(self, number: int, rows: bytes) -> None:
        """How a lease stands that is not settled yet."""
        if number in self.held:
            self.held[number].rows = rows
            self.held[number].lost = False

    def settle(self, number: int, rows: bytes) -> Iterator[tuple[Lease, bytes]]:
        """The last word on a lease. What was not sent goes back to the pool; the rest is given back, to be kept.
        A lease that is not out (it was settled before) gives nothing."""
        held = self.held.pop(number, None)
        if held is not None:
            yield from self._keep(held.lease, rows, back=True)

    def never_came(self, worker: str, told: Collection[int], before: float) -> int:
        """Takes back the leases of a worker that it does not tell of, granted before that time: the message was lost
        on the way. (A worker refuses a lease that is as old.) Gives their number."""
        lost = [
            number
            for number, held in self.held.items()
            if held.worker == worker and number not in told and held.since < before
        ]
        for number in lost:
            lease = self.held.pop(number).lease
            self._again.append(lease.part(0, lease.count))
        return len(lost)

    def lose(self, worker: str) -> int:
        """Nobody hears this worker any more: how many of its items are in the dark now."""
        dark = 0
        for held in self.held.values():
            if held.worker == worker and not held.lost:
                held.lost = True
                ends = held.rows[:: ROW.size]
                dark += held.lease.count - sum(state > SENDING for state in ends)
        return dark

    def give_up(self) -> Iterator[tuple[Lease, bytes]]:
        """The end: what is still out is unknown, but for what was heard of it."""
        for held in self.held.values():
            rows = held.rows or bytes(held.lease.count * ROW.size)
            yield from self._keep(held.lease, rows, back=False)
        self.held.clear()

    def _keep(self, lease: Lease, rows: bytes, *, back: bool) -> Iterator[tuple[Lease, bytes]]:
        states = rows[:: ROW.size]
        if len(states) != lease.count:
            raise ValueError(f"lease {lease.number} has {lease.count} items, and {len(states)} rows came")
        if states.count(UNSENT) + states.count(SENDING):
            rows = self._cut(lease, rows, back)
            states = rows[:: ROW.size]
        for state in (UNKNOWN, OK, FAILED):
            self.count[state] += states.count(state)
        yield lease, rows

    def _cut(self, lease: Lease, rows: bytes, back: bool) -> bytes:
        """Unsent items into the pool (or unknown as well, where nobody knows that they are unsent)."""
        kept = bytearray(rows)
        start = 0
        states = rows[:: ROW.size]
        for place, state in enumerate((*states, OK)):
            if state != UNSENT or not back:
                if place > start:
                    self._again.append(lease.part(start, place - start))
                start = place + 1
            if place < len(states) and (state == SENDING or (state == UNSENT and not back)):
                kept[place * ROW.size] = UNKNOWN
        return bytes(kept)
