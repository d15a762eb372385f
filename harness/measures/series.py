"""What a record holds over time, as plain columns: users worked on, and memory held by then."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from harness.model.events import Pressed
from harness.model.record import Record

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Work:
    """How many users the batch had worked on (done or failed), at each reading. `t` counts from the first one."""

    began: float
    t: Floats
    users: Floats


def work(record: Record, scale: int) -> Work | None:
    """The work of one scale over all its presses, or None where it was not read twice."""
    table = record.table(f"progress-{scale}")
    if len(table.get("t", [])) < 2:
        return None
    t = np.array(table["t"], dtype=float)
    users = np.array(table["done"], dtype=float) + np.array(table["failed"], dtype=float)
    return Work(float(t[0]), t - t[0], np.maximum.accumulate(users))


def own_work(record: Record, scale: int) -> Work | None:
    """The same without the time for which the harness held the batch still to look at its memory."""
    worked, table = work(record, scale), record.table(f"holds-{scale}")
    if worked is None or not table:
        return worked
    at, seconds = np.array(table["users"], dtype=float), np.array(table["seconds"], dtype=float)
    held = np.concatenate([[0.0], np.cumsum(seconds)])[np.searchsorted(at, worked.users)]
    return replace(worked, t=worked.t - held)


def turns(record: Record, scale: int, users: int) -> Floats:
    """For each of the first `users` users, in the order handed in: the seconds into the press that got to them at
    which their turn was over. NaN for whom none got to, and where it was not seen."""
    found = np.full(users, np.nan)
    worked = work(record, scale)
    begun = [
        press.t - press.seconds for press in record.all(Pressed) if press.scale == scale and press.accepted
    ]
    if worked is None or not begun:
        return found
    reading = np.searchsorted(worked.users, np.arange(1, users + 1))
    seen = reading < len(worked.t)
    at = worked.began + worked.t[reading[seen]]
    starts = np.array(begun)
    found[seen] = at - starts[np.maximum(np.searchsorted(starts, at, side="right") - 1, 0)]
    return found


def rate(work: Work, pieces: int = 24) -> tuple[Floats, Floats]:
    """(seconds, users a second) in `pieces` equal spans of time; the time is the middle of each span."""
    edges = np.linspace(0, work.t[-1], pieces + 1)
    through = np.interp(edges, work.t, work.users)
    span = np.maximum(np.diff(edges), 1e-9)
    return (edges[:-1] + edges[1:]) / 2, np.diff(through) / span


def undisturbed(work: Work, blocks: int = 8) -> float | None:
    """Seconds a user where nothing else got in the way: over the second half of the work, in blocks of equal users,
    the second quickest. A machine that is busy for a while slows some blocks; growth with the users slows all."""
    last = float(work.users[-1])
    if last < 2 * blocks:
        return None
    edges = np.linspace(last / 2, last, blocks + 1)
    first_at = np.searchsorted(work.users, edges)
    spans = np.diff(work.t[first_at])
    return float(np.sort(spans)[1] / (last / 2 / blocks))


def at_its_best(work: Work, most: int = 20) -> float | None:
    """Seconds a user in the quicker quarter of the work: what others do on the machine meanwhile slows some of it,
    and a batch that became slower is slower there as well. None where it was not read in enough steps to tell."""
    steps = np.flatnonzero(np.diff(work.users, prepend=-1.0) > 0)
    blocks = min(most, len(steps) // 4)
    if blocks < 6:
        return None
    users, t = work.users[steps], work.t[steps]
    edges = np.linspace(users[0], users[-1], blocks + 1)
    spans = np.diff(np.interp(edges, users, t))
    return float(np.quantile(spans, 0.25) * blocks / (users[-1] - users[0]))


def memory(record: Record, scale: int, service: str) -> tuple[Floats, Floats] | None:
    """(users worked on, bytes held) for each sample between the first reading of progress and the last."""
    table, worked = record.table(f"memory-{scale}"), work(record, scale)
    if worked is None or not table:
        return None
    mine = np.array([name == service for name in table["service"]], dtype=bool)
    t = np.array(table["t"], dtype=float)[mine] - worked.began
    held = np.array(table["bytes"], dtype=float)[mine]
    during = (t >= 0) & (t <= worked.t[-1])
    if not during.any():
        return None
    return np.interp(t[during], worked.t, worked.users), held[during]


def calm(x: Floats, y: Floats, pieces: int = 60) -> tuple[Floats, Floats]:
    """The medians of so many pieces, for the eye: where a reading falls below half of the one before, a new piece
    begins, so that a restart stays sharp."""
    if len(x) <= 2 * pieces:
        return x, y
    falls = np.flatnonzero(y[1:] < y[:-1] / 2) + 1
    parts = [
        p for run in np.split(np.arange(len(x)), falls) for p in _pieces(run, pieces * len(run) // len(x))
    ]
    return np.array([np.median(x[p]) for p in parts]), np.array([np.median(y[p]) for p in parts])


def _pieces(run: NDArray[np.int64], count: int) -> list[NDArray[np.int64]]:
    """A run cut in pieces, with its first and last reading kept as they are."""
    return [run[:1], *(p for p in np.array_split(run[1:-1], max(count, 1)) if len(p)), run[-1:]]


def thin(x: Floats, y: Floats, most: int = 160) -> list[tuple[float, float]]:
    """At most `most` points of a series that keep its lows and highs."""
    if len(x) <= most:
        return list(zip(x.tolist(), y.tolist(), strict=True))
    kept: list[int] = []
    for part in np.array_split(np.arange(len(x)), most // 2):
        low, high = part[int(np.argmin(y[part]))], part[int(np.argmax(y[part]))]
        kept += sorted({int(low), int(high)})
    return [(float(x[k]), float(y[k])) for k in kept]
