"""What is asked of a rehearsal on services that already run, before anything is sent; and what it cannot show.

Such a stage is nobody's to throw away: it is read from, and where the scenario says so, it is given invented users
once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from harness.drive.client import Live
from harness.drive.dry import Played, Step, run_through, step
from harness.drive.performance import Performance
from harness.drive.tape import recording
from harness.errors import Refused, UsageError
from harness.loading import Loaded
from harness.model.events import NotSeen
from harness.model.people import SyntheticUser
from harness.model.record import RecordWriter
from harness.model.scenario import Scenario, Trigger
from harness.probes.items import read_effects, read_outcomes
from harness.stage import process_stage
from harness.stage.attach import Site, conduct_of, survey

CANNOT = {
    "edges": "the exact edges are found by pressing again and again on stages that are thrown away",
    "causes": "single tries need users of their own, many times, on a stage that is thrown away",
    "rerun": "pressing again, killing and freezing services need fresh stages of their own",
    "lines": "no observer is put into services that others have started",
    "checkpoints": "services of others are not held still: memory is read while they work",
    "what ends": "whether a service was ended by the kernel is not seen from here, and it is not started again",
    "phantoms": "others use this stage as well: what is told of items that are not ours was left out",
    "commands": "what a command of the scenario's own (logs, readers) sends is not behind the fence",
}


@dataclass(frozen=True)
class Asked:
    """What was asked for on the command line: scales (None: none named), the usual number of users, and the hosts
    that were typed to confirm that something may be changed there. `nothing_sent`: it is a dry run."""

    scales: tuple[int, ...] | None
    usual: int
    confirmed: Sequence[str]
    nothing_sent: bool = False


def prepare(loaded: Loaded, asked: Asked) -> tuple[Site, tuple[int, ...]]:
    """The site and the one scale to rehearse there. Raises Refused before anything is sent."""
    scenario = loaded.scenario
    scales = asked.scales or (1,)
    if len(scales) > 1:
        raise UsageError(
            f"--scales names {len(scales)} scales",
            expected="one: each scale needs a fresh stage, and one that already runs is never fresh",
            fix=f"rehearse with --scales {scales[-1]}, and another time with the next",
        )
    users, most = asked.usual * scales[0], scenario.usual * scenario.cap
    if users > most:
        raise Refused(
            f"{users:,} users are asked for",
            expected=f"at most {most:,}: {scenario.cap}x the usual {scenario.usual:,}",
            cause="others use this stage",
            fix=f"if it may be so loaded, write cap = {-(-users // scenario.usual)} into the scenario",
        )
    site = survey(scenario)
    _must_be_confirmed(site, asked, scenario)
    return site, scales


def _must_be_confirmed(site: Site, asked: Asked, scenario: Scenario) -> None:
    hosts = list(dict.fromkeys(place.wanted.host for place in site.places.values()))
    strange = [host for host in asked.confirmed if host not in hosts]
    missing = [host for host in hosts if host not in asked.confirmed]
    if strange:
        raise Refused(
            f"--confirm names {', '.join(strange)}",
            expected=f"the hosts that this scenario changes: {', '.join(hosts)}",
            fix="type the host that you mean",
        )
    if scenario.side_effects and missing and not asked.nothing_sent:
        raise Refused(
            f"users would be put in and triggers pulled on {', '.join(missing)}",
            expected="that somebody has typed its name",
            fix=f"say so: {' '.join(f'--confirm {host}' for host in missing)}; or look first, with --dry-run",
        )


def cannot_be_seen(scenario: Scenario) -> Iterator[NotSeen]:
    """What such a rehearsal leaves out, and why."""
    for probe, why in CANNOT.items():
        yield NotSeen(probe=probe, why=f"attached: {why}", decisive=False)
    for name, service in scenario.services().items():
        if service.attach and service.attach.memory is None:
            yield NotSeen(probe=f"memory of {name}", why="the scenario names no place where it is told")


def look(on: Performance) -> None:
    """Reads once what can be read without changing anything, and says what was not done."""
    record = on.play.record
    read_outcomes(on.outcomes, record, "items-look")
    read_effects(on.effects, record, "effects-look")
    why = "side_effects is False in the scenario: no user was put in, and no trigger was pulled"
    record.event(NotSeen(probe="the batch", why=why))


def logs_not_seen(on: Performance, record: RecordWriter) -> None:
    """Says of which services no log could be read, and why."""
    for name, service in on.stage.services.items():
        why = getattr(service, "why_no_logs", "")
        if why:
            record.event(NotSeen(probe=f"logs of {name}", why=why, decisive=False))


def dry_steps(loaded: Loaded, site: Site, users: Sequence[SyntheticUser]) -> Iterator[Step]:
    """What such a rehearsal would send, part by part. Answers that its code needs (a login page) are taken from a
    stage of processes on this machine, with one user, where the scenario has one; else such a part breaks off."""
    scenario = loaded.scenario
    taped = _answers(loaded, users[:1])
    live = _live(scenario, site)
    for name in site.places:
        yield step(f"until {name} answers", live, _asks(name, scenario.services()[name].ready or "/"))
    for what, page in site.pages.items():
        yield Step(f"{what}, again and again: GET {page.url}{page.wanted.path}", [])
    for hook in _hooks(scenario, users):
        if scenario.side_effects or not hook.changes:
            yield step(hook.what, live, hook.call, taped.get(hook.what, ()))


@dataclass(frozen=True)
class _Hook:
    what: str
    call: Callable[[Live], object]
    changes: bool = False


def _hooks(scenario: Scenario, users: Sequence[SyntheticUser]) -> Iterator[_Hook]:
    """Whatever of the scenario sends requests, in the order in which it is called."""

    def pulling(trigger: Trigger) -> Callable[[Live], object]:
        return lambda live: getattr(scenario, trigger.method)(live, list(users))

    yield _Hook("seed()", lambda live: scenario.seed(live, list(users)), changes=True)
    for trigger in scenario.triggers():
        what = f"trigger {trigger.name!r}: the first that gets through, until all is done"
        yield _Hook(what, pulling(trigger), changes=True)
    yield _Hook("progress(), many times a second", scenario.progress)
    yield _Hook("outcomes()", scenario.outcomes)
    yield _Hook("effects(), until nothing new is done", scenario.effects)


def _asks(name: str, path: str) -> Callable[[Live], object]:
    return lambda live: live.clients[name].get(path)


def _live(scenario: Scenario, site: Site) -> Live:
    live = Live(
        {name: (place.address, place.wanted.port) for name, place in site.places.items()}, stage="attach"
    )
    for name, place in site.places.items():
        live.clients[name].conduct = conduct_of(scenario, name, place, "dry-run")
    return live


def _answers(loaded: Loaded, users: Sequence[SyntheticUser]) -> dict[str, list[Played]]:
    """By hook: what its requests were answered on a stage of processes that is thrown away; empty without one."""
    scenario = loaded.scenario
    if not all(service.process for service in scenario.services().values() if service.attach):
        return {}
    found: dict[str, list[Played]] = {}
    with process_stage(scenario, loaded.root) as stage:
        addresses = {name: stage.services[entry].address for name, entry in stage.entries.items()}
        for hook in _hooks(scenario, users):
            live = Live(addresses, stage="process")
            with recording(live) as tape, suppress(Exception):  # what it did send is on the tape
                run_through(hook.call(live))
            found[hook.what] = tape.played
    return found
