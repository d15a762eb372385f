"""The pure half: a record goes in, a verdict comes out. It may be run again on last week's record."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from harness.checks import CHECKS, load, memory, starved
from harness.model.events import Ended, NotSeen, ScaleDone, StageUp
from harness.model.finding import SEVERITIES, Finding, NotChecked, Severity, Verdict, VerdictWord
from harness.model.record import Record
from harness.model.wording import agree

GATE: Severity = "high"


def judge(record: Record) -> Verdict:
    """Runs every check and weighs what they found: findings first, what was not seen second, ready last."""
    findings: list[Finding] = []
    unseen = record.all(NotSeen)
    for check in CHECKS:
        for found in check(record):
            if isinstance(found, Finding):
                findings.append(replace(found, title=agree(found.title)))
            else:
                unseen.append(found)
    findings, without = starved.withheld(record, findings)
    unseen += without
    ended = next(iter(record.all(Ended)), None)
    if ended is None or ended.status != "completed":
        why = ended.why if ended else "the record has no end: the rehearsal was killed"
        unseen.append(NotSeen(probe="the rest of the rehearsal", why=why))
    if record.damaged:
        lines = "line was" if record.damaged == 1 else "lines were"
        unseen.append(NotSeen(probe="the record", why=f"{record.damaged:,} damaged {lines} left out"))
    if not any(event.decisive for event in unseen):
        unseen += _untold(record)
    findings.sort(key=lambda finding: (SEVERITIES.index(finding.severity), finding.code, finding.id))
    manifest = record.manifest
    return Verdict(
        scenario=manifest.scenario,
        run=manifest.run,
        seed=manifest.seed,
        verdict=_word(findings, blind=any(event.decisive for event in unseen)),
        scales=manifest.scales,
        findings=findings,
        not_checked=list(
            dict.fromkeys(NotChecked(agree(event.probe), event.why, event.decisive) for event in unseen)
        ),
        measurements=_measurements(record),
    )


def at_or_above(findings: list[Finding], level: Severity) -> list[Finding]:
    """The findings that weigh as much as `level`, or more."""
    return [f for f in findings if SEVERITIES.index(f.severity) <= SEVERITIES.index(level)]


def _word(findings: list[Finding], *, blind: bool) -> VerdictWord:
    if at_or_above(findings, GATE):
        return "not_ready"
    return "inconclusive" if blind else "ready"


def _untold(record: Record) -> Iterator[NotSeen]:
    """The scales of which the record does not tell that they are over: no READY rests on them."""
    told = {done.scale for done in record.all(ScaleDone)}
    for scale in record.manifest.scales if record.manifest.triggers else ():
        if scale not in told:
            yield NotSeen(probe=f"the batch at {scale}x", why="the record does not tell what became of it")


def _measurements(record: Record) -> dict[str, float | int | str | None]:
    found: dict[str, float | int | str | None] = {"stage": record.manifest.stage}
    for done in record.all(ScaleDone):
        found[f"seconds at {done.scale}x"] = round(done.seconds, 2)
        found[f"batch seconds at {done.scale}x"] = round(done.batch_seconds, 2)
        found[f"presses at {done.scale}x"] = done.presses
        if done.harness:
            found[f"harness waited for a CPU at {done.scale}x, seconds"] = round(done.harness.waited, 2)
    found |= memory.words(record)
    found |= load.words(record)
    found["stage seconds"] = round(sum(up.seconds for up in record.all(StageUp)), 2)
    found["batch seconds"] = round(sum(done.batch_seconds for done in record.all(ScaleDone)), 2)
    for ended in record.all(Ended):
        found["seconds"] = round(ended.seconds, 2)
        found["harness CPU seconds"] = round(ended.harness_cpu, 2)
    return found
