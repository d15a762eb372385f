"""What load has shown: where a downstream breaks by itself, who fails under it, and whether the generator kept up.

A generator above 80 % of a CPU measures itself: what it saw stands in the record, and the verdict waits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from harness.checks.load_kinds import finding, once
from harness.model.events import NotSeen
from harness.model.finding import BreaksAt, Evidence, Finding
from harness.model.load import Generator, LoadPlayed, Pace
from harness.model.record import Record

STARVED = 0.8
SLOW_LOOP = 0.01
"""Seconds that a loop oversleeps on average, above which its latencies are not exact."""
SHORTEST = 1.0
"""Seconds of sending below which a share of a CPU says nothing."""
SHARE_OF_FAILURES = 0.01
NO_GAIN = 1.1


def check(record: Record) -> Iterator[Finding | NotSeen]:
    """LOAD-001, LOAD-002 and LOAD-004, and what cannot be believed or was not sent."""
    for played in record.all(LoadPlayed):
        yield from _honesty(played)
    yield from once(one for played in record.all(LoadPlayed) for one in _shown_by(record, played))


def _shown_by(record: Record, played: LoadPlayed) -> Iterator[Finding]:
    if played.kind == "downstream":
        yield from _downstream(record, played)
    elif played.kind == "items":
        yield from _items(record, played)


def words(record: Record) -> dict[str, float | int | str | None]:
    """What the load was and how its generator fared, for the report's measurements."""
    found: dict[str, float | int | str | None] = {}
    for played in record.all(LoadPlayed):
        asked, reached = sum(step.asked for step in played.steps), sum(step.reached for step in played.steps)
        name = f"load {played.key}"
        found[f"{name}: requests asked for"], found[f"{name}: sent"] = asked, reached
        if played.generators:
            busiest = max(played.generators, key=lambda one: one.cpu)
            found[f"{name}: generator's share of a CPU"] = busiest.cpu
            found[f"{name}: its loop stood still for, seconds"] = round(
                max(g.lag[1] for g in played.generators), 4
            )
            found[f"{name}: sent late"] = sum(one.late for one in played.generators)
            found[f"{name}: generator's memory, MiB"] = round(
                max(g.memory for g in played.generators) / 2**20, 1
            )
    return found


def _honesty(played: LoadPlayed) -> Iterator[NotSeen]:
    probe = f"the load of {played.what}" + (f" at {played.scale}x" if played.scale else "")
    starved = [one for one in played.generators if _starved(one)]
    if starved:
        yield NotSeen(probe=probe, why=f"generator starved: {'; '.join(map(_fared, starved))}")
    slow = [one for one in played.generators if one.worker and one.lag[0] > SLOW_LOOP and one not in starved]
    if slow:
        why = f"the machine was busy: {'; '.join(map(_fared, slow))}; latencies are longer by as much"
        yield NotSeen(probe=f"exact latencies of {played.what}", why=why, decisive=False)
    if not played.generators:
        yield NotSeen(probe=probe, why="nothing is known of the generator's own share of the CPU")
    asked, reached = sum(step.asked for step in played.steps), sum(step.reached for step in played.steps)
    if reached < asked:
        yield NotSeen(probe=probe, why=f"{asked - reached:,} of {asked:,} requests were not sent")
    if played.ran_out:
        yield NotSeen(probe=probe, why="the users ran out before the load was to end")
    if played.dark:
        why = f"a worker was not heard of any more: of {played.dark:,} items nobody knows whether they were sent"
        yield NotSeen(probe=probe, why=why)
    late = sum(one.late for one in played.generators)
    if late > 0.01 * max(reached, 1):
        why = f"{late:,} of {reached:,} requests went out late: the generator did not keep the rate"
        yield NotSeen(probe=probe, why=why)


def _starved(one: Generator) -> bool:
    """Whether it had no CPU to spare: it used nearly all of one itself, or wanted to and others had it."""
    wanted = one.cpu + one.waited > STARVED and one.lag[0] > SLOW_LOOP
    return one.seconds >= SHORTEST and (one.cpu > STARVED or wanted)


def _fared(one: Generator) -> str:
    who = f"worker {one.worker}" if one.worker else "the master"
    still = f"its loop stood still for {one.lag[0] * 1000:.0f} ms on average and up to {one.lag[1]:.2f} s"
    wanting = f", waited for one {one.waited:.0%} of the time" if one.waited > 0.05 else ""
    return f"{who} used {one.cpu:.0%} of a CPU{wanting}, and {still}"


def _share(step: Pace) -> float:
    return (step.failed + step.unknown) / step.reached if step.reached else 0.0


def _speed(step: Pace) -> float:
    return step.ok / step.seconds if step.seconds else 0.0


def _shown(step: Pace) -> str:
    asked = f"{step.rate:g} a second asked for" if step.rate else f"{step.concurrency:,} at once"
    took = "none was answered"
    if step.latency:
        median, high = step.latency
        took = f"median {median * 1000:,.0f} ms, 95 % below {high * 1000:,.0f} ms"
    failed = f"{step.failed + step.unknown:,} of {step.reached:,} failed"
    return f"{asked}: {_speed(step):,.1f} a second, {failed}, {took}"


def _downstream(record: Record, played: LoadPlayed) -> Iterator[Finding]:
    steps = [step for step in played.steps if step.reached]
    broken = next((step for step in steps if _share(step) > SHARE_OF_FAILURES), None)
    if broken is not None:
        yield _breaks(record, played, steps, broken)
    knee = _knee([step for step in steps if broken is None or step.concurrency < broken.concurrency])
    if knee is not None:
        yield _at_its_limit(record, played, steps, knee)


def _breaks(record: Record, played: LoadPlayed, steps: Sequence[Pace], broken: Pace) -> Finding:
    passing = [step.concurrency for step in steps if step.concurrency < broken.concurrency]
    title = f"{played.service} fails by itself from {broken.concurrency:,} requests at once"
    breaks_at = BreaksAt(
        users=None,
        value=broken.concurrency,
        unit="at once",
        last_passing=max(passing, default=None),
        first_failing=broken.concurrency,
        method=f"{len(steps)} steps against {played.service} alone, without the batch",
    )
    found = finding(record, played, "LOAD-001", "medium" if passing else "high", title)
    return replace(
        found, breaks_at=breaks_at, evidence=[Evidence("requests", _shown(step)) for step in steps]
    )


def _knee(steps: Sequence[Pace]) -> Pace | None:
    """The first step from which more at once brings no more: the next ones stay below a tenth more."""
    for at, step in enumerate(steps[:-1]):
        best = max(_speed(later) for later in steps[at + 1 :])
        if len(steps) - at > 2 and best < NO_GAIN * _speed(step):
            return step
    return None


def _at_its_limit(record: Record, played: LoadPlayed, steps: Sequence[Pace], knee: Pace) -> Finding:
    most = max(map(_speed, steps))
    title = f"{played.service} does no more than {most:,.0f} a second, from {knee.concurrency:,} at once on"
    found = finding(record, played, "LOAD-002", "low", title)
    return replace(found, evidence=[Evidence("requests", _shown(step)) for step in steps])


def _items(record: Record, played: LoadPlayed) -> Iterator[Finding]:
    step = played.steps[0]
    if _share(step) > SHARE_OF_FAILURES:
        how = f"at {step.rate:g} a second" if step.rate else f"with {step.concurrency:,} at once"
        title = f"{step.failed + step.unknown:,} of {step.reached:,} requests fail {how}"
        found = finding(record, played, "LOAD-004", "high", title)
        counts = {f"{played.scale}x": step.failed + step.unknown} if played.scale else {}
        yield replace(found, counts=counts, evidence=[Evidence("requests", _shown(step))])
