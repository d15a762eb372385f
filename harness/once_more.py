"""A finding of an earlier rehearsal looked for once more: what to rehearse, and what the new verdict says of it.

A finding that is there again is STILL there. One that is gone is FIXED only where everything that would have shown it
was seen: the same trigger with as many users, the same measure, the same experiment. All else is CANNOT TELL.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.errors import UsageError
from harness.model.events import Pressed
from harness.model.finding import Finding, NotChecked, Verdict
from harness.model.record import Record
from harness.replaying import Replayed

WALLS = ("URL", "HDR", "BODY", "FORM", "SEC")
LAW = "TIME-001"
AGAIN = frozenset({"rerun", "faults", "oom"})
"""The probes that press again, and how what they did not see is named."""
NOT_PRESSED = ("when ", "faults", "a real run of ")
LEFT_OUT = "left out by --probes"


def find(verdict: Verdict, wanted: str) -> Finding:
    """The finding with that id (its first letters are enough), or the only one with that code. Raises UsageError."""
    chosen = [f for f in verdict.findings if wanted and (f.id.startswith(wanted) or f.code == wanted.upper())]
    if len(chosen) == 1:
        return chosen[0]
    ids = ", ".join(f"{finding.id} ({finding.code})" for finding in chosen or verdict.findings)
    raise UsageError(
        f"{verdict.run} has {len(chosen) or 'no'} findings {wanted!r}",
        expected=f"one of {ids}" if ids else "a rehearsal with findings",
        fix="take the id from report.json",
    )


def recipe(finding: Finding, record: Record) -> list[str]:
    """The words behind `rehearse run` that show the finding again: its reproduce line, else its largest scale.
    Empty where nothing would."""
    again, manifest = finding.reproduce, record.manifest
    if manifest.stage == "attach":
        return []
    if again and again.argv[:2] == ["rehearse", "run"]:
        words = again.argv[3:]
    else:
        scales = [name.rstrip("x") for name in finding.counts if name.endswith("x")]
        words = ["--scales", scales[-1]] if scales else []
    if not words:
        return []
    if "--users" not in words:
        words = [*words, "--users", str(manifest.usual)]
    if "--probes" not in words:
        words = [*words, "--probes", "edges" if _family(finding) in WALLS else "none"]
    return [manifest.source, *words, "--seed", str(manifest.seed)]


def weigh(finding: Finding, verdict: Verdict, record: Record) -> Replayed:
    """What a new rehearsal says of an old finding."""
    again = next((other for other in verdict.findings if other.id == finding.id), None)
    if again is not None:
        return Replayed("STILL", f"{again.code} {again.title}", 1, 1)
    gaps = [gap for gap in verdict.not_checked if _hides(gap, finding)]
    if gaps:
        return Replayed("CANNOT TELL", f"{gaps[0].probe}: {gaps[0].why}", 0, 1)
    missing = next(_not_reached(finding, record), "")
    if missing:
        return Replayed("CANNOT TELL", missing, 0, 1)
    return Replayed("FIXED", "it was looked for in the same way, and is not there", 0, 1)


def _family(finding: Finding) -> str:
    return finding.code.partition("-")[0]


def _hides(gap: NotChecked, finding: Finding) -> bool:
    """Whether the finding could be there, and not be seen for this gap."""
    family = _family(finding)
    if gap.decisive:
        return True
    if gap.why == LEFT_OUT:
        return False
    if family == "MEM":
        return gap.probe.startswith("memory") and finding.service in gap.probe
    if finding.code == LAW:
        return gap.probe.startswith("how time grows")
    if family in WALLS:
        return finding.trigger in gap.probe or "wall" in gap.probe
    pressed_again = finding.reproduce is not None and not AGAIN.isdisjoint(finding.reproduce.argv)
    return pressed_again and gap.probe.startswith(NOT_PRESSED)


def _not_reached(finding: Finding, record: Record) -> Iterator[str]:
    """Why a wall that is not found again may still stand: nobody went as far."""
    at = finding.breaks_at
    if _family(finding) not in WALLS:
        return
    far = at.first_failing or at.users or 0 if at else 0
    reached = [
        press.users for press in record.all(Pressed) if press.trigger == finding.trigger and press.accepted
    ]
    if max(reached, default=0) < max(far, 1):
        yield f"{finding.trigger!r} did not get through with {max(far, 1):,} users, nor was it refused as then"
