"""A small rehearsal written by hand, with a text of the caller's choice in every place that comes from outside."""

from __future__ import annotations

from pathlib import Path

import msgspec

from harness.model.events import Ended, Pressed, ScaleDone, ServiceEnded, WallSeen
from harness.model.exchange import Exchange, Sizes
from harness.model.finding import BreaksAt, Evidence, Finding, NotChecked, Reproduce, Severity, Verdict
from harness.model.record import Record, RecordWriter, ServiceFacts
from harness.model.walls import Attribution, InUsers, Refusal, Wall
from tests.model.test_record import MANIFEST

MIB = 2**20


def exchange(text: str, line: int = 100) -> Exchange:
    return Exchange(
        service=text, method="GET", path=text, sizes=Sizes(line, line, line, 0, 1), status=414, body=text
    )


def wall(text: str, trigger: str, last_passing: int) -> Wall:
    return Wall(
        service=text,
        kind="line",
        last_passing=4087,
        first_failing=4097,
        unit="line",
        value=4094,
        expected=True,
        refusal=Refusal(how="status", status=414, body=text),
        where=Attribution(hop=text, software=text, config_key=text, sure="likely"),
        users=InUsers(last_passing=last_passing, first_failing=last_passing + 1, confirmed=True),
        trigger=trigger,
    )


def staged(folder: Path, text: str = "plain", *, scales: tuple[int, ...] = (1, 2, 5)) -> Record:
    """Ten users a scale: passes at 1x, needs two presses above; a service is killed at the largest."""
    with RecordWriter(folder) as record:
        record.manifest(
            msgspec.structs.replace(
                MANIFEST,
                scenario=text,
                source=text,
                summary=text,
                scales=list(scales),
                triggers=[text, "another way"],
                stage_why=text,
                deadline=60.0,
                services=[ServiceFacts(name=text, memory_limit=200 * MIB, image=text, entry=text)],
                versions={text: text},
                machine={text: text},
            )
        )
        record.rows("intended", item=[f"{n}{text}" for n in range(10 * scales[-1])])
        for scale in scales:
            _scale(record, scale, text, last=scale == scales[-1])
        record.event(WallSeen(wall=wall(text, "another way", 9)))
        record.event(Ended(status="completed", why="", seconds=9.0, harness_cpu=1.0))
    return Record(folder)


def _scale(record: RecordWriter, scale: int, text: str, *, last: bool) -> None:
    users, presses = 10 * scale, 1 if scale == 1 else 2
    steps = range(users + 1)
    record.rows(f"progress-{scale}", t=[n / 10 for n in steps], done=list(steps), failed=[0] * len(steps))
    record.rows(
        f"memory-{scale}",
        t=[n / 10 for n in steps],
        service=[text] * len(steps),
        bytes=[(50 + n) * MIB for n in steps],
    )
    record.rows(
        f"items-{scale}",
        item=[f"{n}{text}" for n in range(users)],
        said=["ok"] * users,
        detail=[text] * users,
    )
    record.rows(f"effects-{scale}", item=[f"{n}{text}" for n in range(users)], amount=["1"] * users)
    for press in range(1, presses + 1):
        record.event(
            Pressed(
                scale=scale,
                trigger=text,
                press=press,
                users=users,
                exchange=exchange(text),
                accepted=True,
                why=text,
                seconds=1.0,
                done=users * press // presses,
                failed=0,
                left=users - users * press // presses,
            )
        )
    if last:
        record.event(
            ServiceEnded(scale=scale, service=text, exit_code=137, oom_killed=True, done=users // 2, failed=0)
        )
    record.event(
        ScaleDone(
            scale=scale,
            users=users,
            trigger=text,
            presses=presses,
            seconds=users / 5,
            batch_seconds=users / 10,
            complete=True,
        )
    )


def found(
    text: str = "plain", severity: Severity = "high", code: str = "MEM-001", id: str = "0" * 12
) -> Finding:
    return Finding(
        code=code,
        id=id,
        severity=severity,
        title=text[:80],
        service=text,
        hop=text,
        trigger=text,
        breaks_at=BreaksAt(
            users=30, value=200.0 * MIB, unit="bytes", last_passing=29, interval=(20, 40), method=text
        ),
        counts={"2x": 1, "5x": 2},
        evidence=[Evidence("response", text), Evidence("ledger", text)],
        cause=text,
        advice=text,
        config_key=text,
        reproduce=Reproduce(["rehearse", "run", text], 1),
    )


def judged(record: Record, text: str = "plain", findings: list[Finding] | None = None) -> Verdict:
    manifest = record.manifest
    severities: tuple[Severity, ...] = ("critical", "high", "medium", "low", "info")
    return Verdict(
        scenario=manifest.scenario,
        run=manifest.run,
        seed=manifest.seed,
        verdict="not_ready",
        scales=manifest.scales,
        findings=findings
        if findings is not None
        else [found(text, severity, id=f"{k:012}") for k, severity in enumerate(severities)],
        not_checked=[NotChecked(text, text)],
        measurements={text: text},
    )
