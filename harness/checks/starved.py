"""Whether the harness got a CPU while it watched a batch. Where it did not, no word on time can be believed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from harness.model.events import HarnessShare, NotSeen, ScaleDone
from harness.model.finding import Finding
from harness.model.record import Record

SHORTEST = 1.0
"""Seconds below which shares say nothing."""
OF_THE_TIME, OF_WHAT_IT_WANTED = 0.7, 0.8
"""The harness sleeps between two looks. Measured on two CPUs: with a load of eight it waited for 0.3 of the time, and
with sixteen busy loops more for 0.8. Then nothing is left for anybody. One that works hard itself is not starved."""
OF_WHAT_ALL_WANTED, THEIR_HALF = 0.85, 0.5
"""Of harness and services together: the share of what they wanted that they waited, and the part of the machine
that they had less of."""
BY_TIME = ("TIME-", "LOAD-003", "ITEM-003", "ITEM-006")
"""Findings that rest on how long something took: also an item that no longer moved."""


def check(record: Record) -> Iterator[Finding | NotSeen]:
    """Each scale at which the harness was starved: what it saw stands in the record, and the verdict waits."""
    for done in record.all(ScaleDone):
        share = done.harness
        if share and starved(share):
            why = (
                f"generator starved: at {done.scale}x the harness itself waited for a CPU for {share.waited:.1f} s of"
                f" {share.seconds:.1f} s, and had one for {share.cpu:.1f} s"
            )
            if share.services_waited:
                why += (
                    f"; its services waited {share.services_waited:.1f} s and had {share.services_cpu:.1f} s"
                )
            why += "; rehearse again where less runs"
            yield NotSeen(probe=f"time at {done.scale}x", why=why)


def starved(share: HarnessShare) -> bool:
    """Whether it had no CPU to speak of; where it asked for little, the services show it, who ask for more."""
    wanted = share.waited + share.cpu
    if share.seconds < SHORTEST or share.waited <= OF_WHAT_IT_WANTED * wanted:
        return False
    return share.waited > OF_THE_TIME * share.seconds or _all_starved(share)


def _all_starved(share: HarnessShare) -> bool:
    """Whether somebody, services or harness, wanted a CPU nearly all the time and mostly had none, while others used
    most of the machine."""
    had, waited = share.services_cpu + share.cpu, share.services_waited + share.waited
    return (
        had + waited > OF_THE_TIME * share.seconds
        and waited > OF_WHAT_ALL_WANTED * (had + waited)
        and had < THEIR_HALF * share.cpus * share.seconds
    )


def withheld(record: Record, findings: Iterable[Finding]) -> tuple[list[Finding], list[NotSeen]]:
    """The findings that stand; and those that rest on time, of which every scale was watched without a CPU."""
    dark = {f"{done.scale}x" for done in record.all(ScaleDone) if done.harness and starved(done.harness)}
    standing: list[Finding] = []
    unseen: list[NotSeen] = []
    for finding in findings:
        elsewhere = finding.counts.keys() - dark
        if dark and finding.code.startswith(BY_TIME) and not elsewhere:
            why = f"{finding.code} withheld, as the generator was starved: {finding.title}"
            unseen.append(NotSeen(probe=f"{finding.service}'s time", why=why))
        else:
            standing.append(finding)
    return standing, unseen
