"""What the wall probes saw, as findings: how many users fit, who refuses, which setting, and what stands behind.

Wall       -> URL-, HDR-, BODY-, FORM- where it is refused; LOST- where the surplus is dropped behind a success
Rejection  -> SEC-, told apart by experiments
Open       -> nothing
NotChecked -> itself

A wall weighs critical on the trigger that is used today, the first one, and medium on those that are ways out;
what is lost in silence is critical wherever it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec import Struct

from harness.checks import behind
from harness.model.events import NotSeen, OpenSeen, Pressed, RejectionSeen, WallSeen
from harness.model.finding import BreaksAt, Evidence, Finding, NotChecked, Reproduce, Severity, fingerprint
from harness.model.limits import Meaning
from harness.model.record import Record
from harness.model.walls import Open, Refusal, Rejection, Wall

Seen = Wall | Open | Rejection | NotChecked

UNITS = {
    "line": "bytes of request line",
    "target": "bytes of URL",
    "query": "bytes of query",
    "path": "bytes of path",
    "head": "bytes of request line and headers",
    "text": "bytes of URL, header names and values",
    "htx": "bytes of request line and headers, 8 more for each header",
    "field": "bytes of one header line",
    "value": "bytes of one header's value",
    "headers": "headers",
    "body": "bytes of body",
    "fields": "fields",
    "parts": "parts of the form",
    "files": "files",
    "part": "bytes of one part",
    "nesting": "levels",
}
WHOLE_HEAD = ("head", "text", "htx")
BY_KIND = {
    "line": ("URL-001", "the URL is too long"),
    "header": ("HDR-001", "one header is too long"),
    "headers": ("HDR-003", "there are too many headers"),
    "body": ("BODY-001", "the body is too large"),
    "form_bytes": ("BODY-002", "the form is too large to be read"),
    "fields": ("FORM-001", "the form has too many fields"),
    "parts": ("FORM-002", "the form has too many parts"),
    "nesting": ("FORM-003", "what is sent is nested too deep"),
    "files": ("FORM-004", "the form has too many files"),
    "upload": ("BODY-003", "one file of the form is too large"),
}
SECURITY: dict[Meaning, tuple[str, str]] = {
    "access": ("SEC-001", "refused whatever the size"),
    "silent": ("SEC-002", "refused whatever the size, without a word why"),
    "error": ("ERR-002", "ends in a server error whatever the size"),
    "csrf": ("SEC-003", "the CSRF token is missing or wrong"),
    "origin": ("SEC-004", "refused because of its origin"),
    "login": ("SEC-005", "sent to the login page instead"),
    "waf": ("SEC-006", "a rule on content refuses it"),
    "rate": ("SEC-007", "limited by rate"),
    "host": ("SEC-008", "the host name is not allowed"),
}
REMEDY = {
    "SEC-001": "Give the rehearsal's account the right to press the button, or name the rule that forbids it.",
    "SEC-002": "Look for the reason in the service's log of that moment: a token, a header or a type that it wants.",
    "ERR-002": "Read the traceback in the service's log: it is an error of its own, at one user already.",
    "SEC-003": "Fetch the page, send its token and cookie back, one session for one press; a size limit of the same"
    " form hides this verdict, so check it with one item.",
    "SEC-004": "Add the address that is used to the trusted origins, scheme and port included.",
    "SEC-005": "Log in first and keep the session; a followed redirect ends as a page with status 200.",
    "SEC-006": "Read the rule's number in the gateway's log and except this path; chunks do not help.",
    "SEC-007": "Pace the requests, or except the batch's account from the limit; more requests make it worse.",
    "SEC-008": "Add the name under which the service is called to the allowed hosts.",
}


class Reading(Struct, frozen=True, kw_only=True):
    """What a reader needs besides the observations.

    argv, seed   the command that shows it again, without the number of users
    triggers     as written in the scenario; the first is the one used today
    carried      the most users each trigger has been seen to carry, for what the way out has shown
    paths        where each trigger's request goes, without its query
    """

    argv: list[str]
    seed: int
    triggers: list[str]
    carried: dict[str, int] = {}
    paths: dict[str, str] = {}


def check(record: Record) -> Iterator[Finding | NotSeen]:
    """The walls of this rehearsal's triggers. A rejection that stays unclear leaves the first trigger in doubt."""
    walls = [event.wall for event in record.all(WallSeen)]
    seen: list[Seen] = [
        *walls,
        *(event.open for event in record.all(OpenSeen)),
        *(event.rejection for event in record.all(RejectionSeen)),
    ]
    manifest, presses, first = record.manifest, record.all(Pressed), _first(record)
    lossy = {wall.trigger for wall in walls if wall.refusal.how == "lost"}
    carried: dict[str, int] = {}
    for press in presses:
        if press.accepted and press.trigger not in lossy:
            carried[press.trigger] = max(press.users, carried.get(press.trigger, 0))
    reading = Reading(
        argv=["rehearse", "run", manifest.source, "--scales", "1"],
        seed=manifest.seed,
        triggers=manifest.triggers,
        carried=carried,
        paths={press.trigger: _route(press.exchange.path, first) for press in presses},
    )
    for found in findings(seen, reading):
        if isinstance(found, Finding):
            yield found
        else:
            today = found.probe.startswith(f"security of {manifest.triggers[0]} at ")
            yield NotSeen(probe=found.probe, why=found.why, decisive=today)


def _first(record: Record) -> str:
    """The user who is in every press."""
    return next((chunk["item"][0] for chunk in record.chunks("intended") if chunk["item"]), "")


def _route(path: str, user: str) -> str:
    """The path without the part in which users stand: a finding's id is the same over users and their number."""
    parts = path.split("/")
    return "/".join("*" if user and user in re.split(r"[^\w-]+", part) else part for part in parts)


def findings(seen: Sequence[Seen], reading: Reading) -> Iterator[Finding | NotChecked]:
    """One finding for each wall; the same wall met by two kinds of probe is told once."""
    told: set[str] = set()
    for one in seen:
        if isinstance(one, NotChecked):
            yield one
        elif isinstance(one, Rejection):
            yield from _rejection(one, reading)
        elif isinstance(one, Wall):
            finding = _wall(one, seen, reading)
            if finding.id not in told:
                told.add(finding.id)
                yield finding


def _wall(wall: Wall, seen: Sequence[Seen], reading: Reading) -> Finding:
    code, what = _code(wall)
    users = _users(wall)
    walls = [one for one in seen if isinstance(one, Wall) and one is not wall]
    place = wall.trigger or wall.where.hop or wall.service
    start = (
        f"from {users.users:,} users"
        if users.users
        else f"over {wall.value:,} {UNITS[wall.unit].split(' ')[0]}"
    )
    return Finding(
        code=code,
        id=fingerprint(code, wall.service, wall.trigger, reading.paths.get(wall.trigger, "")),
        severity=_severity(wall.trigger, reading, lost=wall.refusal.how == "lost"),
        title=f"{place}: {what} {start}"[:80],
        service=wall.service,
        hop=wall.where.software or wall.where.hop,
        trigger=wall.trigger,
        breaks_at=users,
        evidence=_evidence(wall),
        cause=_cause(wall, what),
        advice=behind.advice(wall, walls, reading.carried),
        config_key=wall.where.config_key,
        reproduce=Reproduce([*reading.argv, "--users", str(users.users or 1)], reading.seed),
    )


def _code(wall: Wall) -> tuple[str, str]:
    if wall.refusal.how == "lost":
        if wall.last_passing == 0:
            return "LOST-013", "not one item arrives, behind a success"
        if wall.lost_at == 0:
            return "LOST-011", "the whole form is dropped behind a success"
        if wall.lost_at == wall.first_failing:
            return "LOST-012", "items arrive changed, behind a success"
        return "LOST-010", "items are dropped behind a success"
    if wall.unit in WHOLE_HEAD:
        return "HDR-002", "URL and headers together are too long"
    if wall.soft:
        return "URL-002", "the URL is too long, depending on the network"
    return BY_KIND[wall.kind]


def _users(wall: Wall) -> BreaksAt:
    method = f"{wall.requests + wall.identifying} requests, guided by known limits"
    last, first = (wall.users.last_passing, wall.users.first_failing) if wall.users else (None, None)
    if wall.users is None and wall.kind in ("fields", "parts", "files", "upload", "form_bytes"):
        last, first = wall.last_passing, wall.first_failing
        method += "; one item a user"
    if wall.users and wall.users.confirmed:
        method += "; confirmed with the real trigger on both sides"
    return BreaksAt(
        users=first,
        value=float(wall.value),
        unit=UNITS[wall.unit],
        last_passing=last,
        first_failing=first,
        method=method,
    )


def _severity(trigger: str, reading: Reading, *, lost: bool = False) -> Severity:
    return "critical" if lost or trigger in ("", reading.triggers[0]) else "medium"


def _evidence(wall: Wall) -> list[Evidence]:
    rows = [
        Evidence("request", f"{wall.value:,} {UNITS[wall.unit]} pass, one more does not"),
        Evidence("response", _said(wall.refusal)),
    ]
    if wall.refusal.how == "lost":
        text = f"{wall.first_failing:,} distinct items sent, {wall.lost_at:,} arrived; status {wall.refusal.status}"
        rows.append(Evidence("ledger", text))
    if wall.soft:
        rows.append(
            Evidence(
                "request", "one write and segments of 1,400 bytes end differently: the lower edge is told"
            )
        )
    if wall.expected:
        rows.append(Evidence("catalogue", f"{wall.where.software} is known for exactly this limit"))
    if wall.users and wall.users.note:
        rows.append(Evidence("request", wall.users.note))
    return rows + list(wall.where.evidence)


def _said(refusal: Refusal) -> str:
    status = f"{refusal.status} {refusal.reason}".strip() if refusal.status else refusal.error or refusal.how
    return f"{status}, connection {refusal.fate}: {' '.join(refusal.body.split())[:200]}".rstrip(": ")


def _cause(wall: Wall, what: str) -> str:
    who = wall.where.software or wall.where.hop or "a hop that does not name itself"
    if wall.where.software and wall.where.hop:
        who = f"{wall.where.software} at {wall.where.hop}"
    sure = {"confirmed": "", "likely": " (by its answer)", "unknown": " (which hop could not be told)"}[
        wall.where.sure
    ]
    return f"{who}{sure} takes at most {wall.value:,} {UNITS[wall.unit]}: {what}"


def _rejection(rejection: Rejection, reading: Reading) -> Iterator[Finding | NotChecked]:
    told = SECURITY.get(rejection.meaning) if rejection.meaning else None
    if told is None:
        if rejection.meaning != "size":  # a size limit is told by its wall
            steps = "; ".join(f"{step.question}: {step.saw}" for step in rejection.experiments)
            why = rejection.why_unsure or f"the answer says {rejection.meaning}"
            yield NotChecked(f"security of {rejection.trigger} at {rejection.service}", f"{why} ({steps})")
        return
    code, what = told
    place = reading.paths.get(rejection.trigger, "")
    yield Finding(
        code=code,
        id=fingerprint(code, rejection.service, rejection.trigger, place),
        severity=_severity(rejection.trigger, reading),
        title=f"{rejection.trigger}: {what}"[:80],
        service=rejection.service,
        hop=rejection.software,
        trigger=rejection.trigger,
        evidence=[
            *(
                Evidence("experiment", _step(step.question, step.passed, step.saw))
                for step in rejection.experiments
            ),
            Evidence("response", _said(rejection.refusal)),
        ],
        cause=f"{rejection.software or 'the service'} rejects the request, and not for its size: {what}",
        advice=REMEDY[code],
        reproduce=Reproduce([*reading.argv, "--users", str(rejection.users)], reading.seed),
    )


def _step(question: str, passed: bool | None, saw: str) -> str:
    return f"{question}: {'not tried' if passed is None else 'passes' if passed else 'refused'} ({saw})"
