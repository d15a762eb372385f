"""Memory that grows with the items: how much an item costs, and at which user the limit is reached.

Method: the second half of the largest scale, in 40 steps of equal work; Theil-Sen's slope with its 99 % bound for
the verdict, increments of 8 blocks for the interval. Growth that slows down is no leak; growth below 256 KiB is
not told from noise. The intercept is never extrapolated from a run that was too short to show a trend.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from harness.model.finding import BreaksAt, Evidence, Finding, Reproduce, Severity, fingerprint
from harness.model.record import NotSeen, Record, ScaleDone, ServiceEnded, ServiceFacts

Floats = NDArray[np.float64]

STEPS = 40
BLOCKS = 8
T_95_7 = 2.365
Z_99 = 2.326
LEAST_GROWTH = 256 * 1024
LEAST_ITEMS = 200
SLOWING = 0.5


@dataclass(frozen=True)
class Growth:
    """Bytes an item costs, as a slope over items that succeeded; `low` and `high` are its 95 % interval."""

    slope: float
    low: float
    high: float
    items: int
    level: float


def check(record: Record) -> Iterator[Finding | NotSeen]:
    """MEM-001 for each service whose memory grows with the items."""
    scales = sorted(record.all(ScaleDone), key=lambda done: done.scale)
    for service in record.manifest.services:
        found: dict[int, Growth] = {}
        most = scales[-1].users if scales else 0
        if most < LEAST_ITEMS:
            why = f"{most} users are too few to tell growth from a start: {LEAST_ITEMS} or more are needed"
            yield NotSeen(probe=f"memory growth of {service.name}", why=why, decisive=False)
            continue
        for done in scales:
            series = _series(record, done.scale, service.name)
            growth = growing(*series) if series else None
            if growth is not None:
                found[done.scale] = growth
        # One scale alone may still be warming up; the largest must show it, or have been cut short by the limit.
        if scales and (scales[-1].scale in found or _killed(record, service.name)) and found:
            yield _finding(record, service, found, scales[-1])


def growing(items: Floats, held: Floats) -> Growth | None:
    """The growth of `held` (bytes) over `items` (succeeded so far), or None where there is none to be sure of."""
    if len(items) < STEPS or items[-1] - items[0] < LEAST_ITEMS:
        return None
    x, y = _steps(items, held)
    half = len(x) // 2
    x, y = x[half:], y[half:]
    slope, lower = theil_sen(x, y)
    middle = len(x) // 2
    slows = theil_sen(x[middle:], y[middle:])[0] < SLOWING * theil_sen(x[:middle], y[:middle])[0]
    if lower <= 0 or slope * (x[-1] - x[0]) < LEAST_GROWTH or slows:
        return None
    mean, spread = _blocks(x, y)
    if mean <= spread:
        return None
    return Growth(slope, min(slope, mean - spread), max(slope, mean + spread), int(items[-1]), float(y[-1]))


def theil_sen(x: Floats, y: Floats) -> tuple[float, float]:
    """The median of all pairwise slopes, and its lower one-sided 99 % bound (Sen 1968)."""
    n = len(x)
    first, second = np.triu_indices(n, 1)
    run = x[second] - x[first]
    slopes = np.sort(((y[second] - y[first])[run > 0]) / run[run > 0])
    if not len(slopes):
        return 0.0, 0.0
    width = Z_99 * sqrt(n * (n - 1) * (2 * n + 5) / 18)
    lowest = max(0, int((len(slopes) - width) / 2))
    return float(np.median(slopes)), float(slopes[lowest])


def _steps(items: Floats, held: Floats) -> tuple[Floats, Floats]:
    """The series in steps of equal work: the median of what was held in each."""
    edges = np.linspace(items[0], items[-1], STEPS + 1)
    step = np.clip(np.searchsorted(edges, items, side="right") - 1, 0, STEPS - 1)
    used = [k for k in range(STEPS) if np.any(step == k)]
    return (
        np.array([np.median(items[step == k]) for k in used]),
        np.array([np.median(held[step == k]) for k in used]),
    )


def _blocks(x: Floats, y: Floats) -> tuple[float, float]:
    """The mean slope of 8 blocks and the half width of its 95 % interval: honest for a random walk as well."""
    cuts = np.unique(np.linspace(0, len(x) - 1, BLOCKS + 1).astype(int))
    slopes = np.diff(y[cuts]) / np.diff(x[cuts])
    return float(np.mean(slopes)), float(T_95_7 * np.std(slopes, ddof=1) / sqrt(len(slopes)))


def _series(record: Record, scale: int, service: str) -> tuple[Floats, Floats] | None:
    """(items that had succeeded, bytes held) at each sample between the first press and the last."""
    memory, progress = record.table(f"memory-{scale}"), record.table(f"progress-{scale}")
    if not memory or not progress:
        return None
    mine = np.array([name == service for name in memory["service"]])
    t, held = np.array(memory["t"])[mine], np.array(memory["bytes"], dtype=float)[mine]
    known_t, done = np.array(progress["t"]), np.array(progress["done"], dtype=float)
    cut = next(
        (end.t for end in record.all(ServiceEnded) if (end.scale, end.service) == (scale, service)), np.inf
    )
    during = (t >= known_t[0]) & (t <= min(known_t[-1], cut))
    return np.interp(t[during], known_t, done), held[during]


def _killed(record: Record, service: str) -> ServiceEnded | None:
    return next((end for end in record.all(ServiceEnded) if end.service == service and end.oom_killed), None)


def _finding(record: Record, service: ServiceFacts, found: dict[int, Growth], top: ScaleDone) -> Finding:
    scale = max(found)
    growth = found[scale]
    users_per_item = _users_per_item(record, scale)
    users, interval = _forecast(growth, service.memory_limit, users_per_item)
    killed = _killed(record, service.name)
    evidence = [
        Evidence(
            "memory",
            f"{growth.slope / 1024:,.1f} KiB an item (95 % interval {growth.low / 1024:,.1f} to"
            f" {growth.high / 1024:,.1f}) over {growth.items:,} items at {scale}x",
        ),
        Evidence(
            "memory",
            f"{growth.level / 2**20:,.0f} MiB held at the end, limit {service.memory_limit / 2**20:,.0f} MiB",
        ),
        Evidence("memory", f"forecast: the limit is reached at user {users:,} ({_range(interval)})"),
    ]
    breaks_at = BreaksAt(
        users=users,
        value=service.memory_limit,
        unit="bytes",
        interval=interval,
        method=f"forecast from the second half of {scale}x",
    )
    if killed:
        seen = killed.done + killed.failed
        evidence.append(
            Evidence(
                "engine",
                f"killed by the kernel at {killed.scale}x after {killed.done:,} items (user {seen:,})",
            )
        )
        breaks_at = BreaksAt(
            users=seen,
            value=service.memory_limit,
            unit="bytes",
            first_failing=seen,
            interval=interval,
            method="seen: killed by the kernel for its memory",
        )
    at = breaks_at.users or users
    return Finding(
        code="MEM-001",
        id=fingerprint("MEM-001", service.name),
        severity=_severity(at, top.users),
        title=f"{service.name} keeps {growth.slope / 1024:,.1f} KiB per user; full at user {at:,}"[:80],
        service=service.name,
        breaks_at=breaks_at,
        counts={f"{k}x": int(g.slope) for k, g in found.items()},
        evidence=evidence,
        cause="its memory grows with each item and is not given back",
        advice="Look for a list or cache that only grows; until then restart it before the run, or raise its limit"
        f" to more than {_needed(growth, top.users / users_per_item) / 2**20:,.0f} MiB for {top.users:,} users.",
        config_key="memory limit",
        reproduce=Reproduce(
            ["rehearse", "run", record.manifest.source, "--scales", str(scale)], record.manifest.seed
        ),
    )


def _users_per_item(record: Record, scale: int) -> float:
    progress = record.table(f"progress-{scale}")
    done, failed = progress["done"][-1], progress["failed"][-1]
    return (done + failed) / done if done else 1.0


def _forecast(growth: Growth, limit: int, users_per_item: float) -> tuple[int, tuple[float, float]]:
    def at(slope: float) -> float:
        return max(0.0, growth.items + (limit - growth.level) / slope) * users_per_item

    ends = sorted((at(growth.high), at(max(growth.low, growth.slope / 10))))
    return round(at(growth.slope)), (round(ends[0]), round(ends[1]))


def _severity(users: int, rehearsed: int) -> Severity:
    if users <= rehearsed:
        return "high"
    return "medium" if users <= 10 * rehearsed else "info"


def _needed(growth: Growth, items: float) -> float:
    return growth.level + growth.high * max(0.0, items - growth.items)


def _range(interval: tuple[float, float]) -> str:
    return f"{interval[0]:,.0f} to {interval[1]:,.0f}"
