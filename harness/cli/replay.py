"""Looks for one finding again, as the project is now: RUN is a rehearsal's folder, FINDING an id in it, or a code.

A cause of failing users (ITEM-010) is tried alone: the user, and the one that passed then. For every other finding
the rehearsal of its reproduce line is held again, into RUN/replays. FIXED: it was looked for as then, and is gone.
STILL: it is there. CANNOT TELL: something that would have shown it was not seen.

\b
rehearse replay reports/friday_payouts/latest 3f2a91c0
rehearse replay reports/friday_payouts/latest URL-001 --stage process --json

\b
exit codes: 0 fixed, 1 still, 2 no such finding, 3 cannot tell, 124 time budget
"""

from __future__ import annotations

import shlex
import time
from pathlib import Path

import click
import msgspec

from harness import once_more
from harness.cli.budget import Alarm
from harness.cli.child import HELD, called
from harness.cli.screen import json_option, put_json
from harness.cli.settings import Configured
from harness.judgement import judge
from harness.model.causes import CARD
from harness.model.finding import Finding, Verdict
from harness.model.record import Record
from harness.model.scenario import parse_duration
from harness.opening import engine_for, opener
from harness.replaying import Replayed, attempts_on, find_cause, replay, scenario_of
from harness.report.text import inert
from harness.stage import build_images

EXIT = {"FIXED": 0, "STILL": 1, "CANNOT TELL": 3}


@click.command("replay", cls=Configured, help=__doc__)
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("finding")
@click.option(
    "--stage", type=click.Choice(["auto", "docker", "process"]), help="Where.  [default: the run's]"
)
@click.option("--seed", type=int, help="Which ids the tries get.  [default: the run's]")
@click.option("--budget", default="1h", show_default=True, help="The longest it may take, such as 1h30m.")
@json_option
def command(run: Path, finding: str, stage: str | None, seed: int | None, budget: str, machine: bool) -> None:
    record = Record(run)
    seconds = parse_duration(budget, what="--budget")
    wanted = once_more.find(judge(record), finding)
    if wanted.code == CARD:
        found = _alone(record, wanted.id, stage or record.manifest.stage, seed, seconds)
    else:
        found = _held_again(record, wanted, stage or record.manifest.stage, budget)
    told = f"{found.word}: {inert(found.why)}"
    if wanted.code == CARD:
        told += f" ({found.failed} of {found.tries} tries failed)"
    click.echo(told, err=machine)
    if machine:
        document = {"finding": wanted.id, "code": wanted.code, "word": found.word, "why": found.why}
        put_json(document)
    raise click.exceptions.Exit(EXIT[found.word])


def _alone(record: Record, finding: str, stage: str, seed: int | None, seconds: float) -> Replayed:
    """One user, tried alone on a fresh stage."""
    event = find_cause(record, finding)
    loaded = scenario_of(record)
    engine, why = engine_for(stage, loaded.scenario)
    once = f"user {event.item}, once {event.cause.signature!r}"
    click.echo(inert(f"{once}; stage {stage}: {why}"), err=True)
    chosen = record.manifest.seed if seed is None else seed
    with Alarm(time.monotonic() + seconds, source=loaded.source) as alarm:
        with alarm.phase("build"):
            images = build_images(engine, loaded.scenario, loaded.root) if engine else {}
        open_stage = alarm.sparing(opener(loaded, engine, images))
        with attempts_on(loaded, chosen, open_stage, seconds, alarm.phase) as attempts:
            return replay(event.cause, attempts)


def _held_again(record: Record, wanted: Finding, stage: str, budget: str) -> Replayed:
    """The rehearsal that shows it, in a process of its own."""
    words = once_more.recipe(wanted, record)
    if not words:
        attached = record.manifest.stage == "attach"
        why = (
            "it was seen on a system that runs by itself, which a replay does not touch"
            if attached
            else f"no smaller rehearsal shows {wanted.code} again: rehearse the scenario anew"
        )
        return Replayed("CANNOT TELL", why, 0, 0)
    loaded = scenario_of(record)
    out = record.folder / "replays"
    words = ["run", str(loaded.source), *words[1:], "--stage", stage, "--budget", budget]
    click.echo(inert(f"rehearse {shlex.join(words)}"), err=True)
    code, report = called([*words, "--out", str(out), "--json", "--quiet"], loaded.root)
    if code not in HELD:
        return Replayed("CANNOT TELL", f"the rehearsal ended with {code}", 0, 0)
    verdict = msgspec.json.decode(report, type=Verdict)
    return once_more.weigh(wanted, verdict, Record(out / verdict.scenario / verdict.run))
