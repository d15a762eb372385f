"""How many users a trigger's request carries before somebody on the way refuses it."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from harness.model.exchange import Exchange
from harness.model.finding import BreaksAt, Evidence, Finding, Reproduce, fingerprint
from harness.model.record import EdgeFound, NotSeen, Record, ScaleDone


class Refuser(Struct, frozen=True):
    """Who answers like this: a mark in the refusal's body, and the setting behind it."""

    mark: str
    hop: str
    config_key: str
    note: str


REFUSERS = (
    Refuser("Request Line is too large (", "gunicorn", "limit_request_line", "at most 4094 bytes by default"),
    Refuser("414 Request-URI Too Large", "nginx", "large_client_header_buffers", "8 kB a line by default"),
    Refuser(
        "Request Header Or Cookie Too Large", "nginx", "large_client_header_buffers", "8 kB a line by default"
    ),
    Refuser("413 Request Entity Too Large", "nginx", "client_max_body_size", "1 MiB by default"),
    Refuser("CSRF verification failed", "django", "CSRF protection", "the token was missing or wrong"),
)
DJANGO_400 = "<h1>Bad Request (400)</h1>"


def check(record: Record) -> Iterator[Finding | NotSeen]:
    """One finding for each trigger that is refused at a number of users within the rehearsed scales."""
    first = record.manifest.triggers[0]
    for edge in record.all(EdgeFound):
        yield _finding(record, edge, today=edge.trigger == first)


def _finding(record: Record, edge: EdgeFound, *, today: bool) -> Finding:
    failing, passing = edge.failing, edge.passing
    hop, config_key, note = _refuser(failing)
    code, what, value, unit = _kind(passing, failing, hop)
    answer = f"status {failing.status}" if failing.status else failing.error
    carried = _carriers(record, edge.trigger)
    return Finding(
        code=code,
        id=fingerprint(code, failing.service, edge.trigger, failing.path),
        severity="critical" if today else "medium",
        title=f"{edge.trigger}: {what} from {edge.first_failing:,} users"[:80],
        service=failing.service,
        hop=hop,
        trigger=edge.trigger,
        breaks_at=BreaksAt(
            users=edge.first_failing,
            value=value,
            unit=unit,
            last_passing=edge.last_passing,
            first_failing=edge.first_failing,
            method=f"bisection with the real trigger, {edge.requests} requests",
        ),
        counts={},
        evidence=[
            Evidence("request", _sizes("refused", edge.first_failing, failing)),
            *([Evidence("request", _sizes("passed", edge.last_passing, passing))] if passing else []),
            Evidence("response", f"{answer}: {' '.join(failing.body.split())[:200]}"),
        ],
        cause=f"{hop or 'a hop that does not name itself'} refuses the request: {note or answer}",
        advice=f"{_advice(code)} {carried}".strip(),
        config_key=config_key,
        reproduce=Reproduce(
            ["rehearse", "run", record.manifest.source, "--users", str(edge.first_failing), "--scales", "1"],
            record.manifest.seed,
        ),
    )


def _kind(passing: Exchange | None, failing: Exchange, hop: str) -> tuple[str, str, float | None, str]:
    """(code, what happens, limit, unit), from what grew between the request that passed and the one that did not."""
    sizes = failing.sizes
    if passing is None:
        return "SEC-001", "refused whatever the size", None, ""
    if sizes.line > passing.sizes.line:
        return "URL-001", "the URL is too long", float(passing.sizes.line), "bytes of request line"
    if failing.status == 403:
        return "SEC-002", "refused on security grounds", None, ""
    if sizes.fields > passing.sizes.fields and hop == "django":
        return "FORM-001", "too many form fields", float(passing.sizes.fields), "fields"
    return "BODY-001", "the body is too large", float(passing.sizes.body), "bytes of body"


def _refuser(failing: Exchange) -> tuple[str, str, str]:
    for refuser in REFUSERS:
        if refuser.mark in failing.body:
            return refuser.hop, refuser.config_key, refuser.note
    if DJANGO_400 in failing.body:
        if failing.sizes.fields > 1000:
            return "django", "DATA_UPLOAD_MAX_NUMBER_FIELDS", "at most 1000 fields by default"
        return "django", "DATA_UPLOAD_MAX_MEMORY_SIZE", "at most 2.5 MB by default"
    return "", "", ""


def _advice(code: str) -> str:
    return {
        "URL-001": "Send the users in the body, best as one JSON list; a form of one field per user meets the"
        " framework's limit of fields next.",
        "FORM-001": "Send one field with all ids, or JSON, or chunks below the limit; or raise the limit.",
        "BODY-001": "Send chunks of a few hundred users, or raise the limit on every hop.",
        "SEC-001": "Look at the refusal: the request is turned away with one user too.",
        "SEC-002": "Look at the rule that refuses: it is no size limit.",
    }[code]


def _carriers(record: Record, refused: str) -> str:
    """Which of the scenario's triggers carried the largest scale in this rehearsal."""
    top = max(record.all(ScaleDone), key=lambda done: done.scale, default=None)
    if top is None or not top.trigger or top.trigger == refused:
        return ""
    return f"In this rehearsal {top.trigger!r} carried {top.users:,} users."


def _sizes(word: str, users: int, exchange: Exchange) -> str:
    sizes = exchange.sizes
    return (
        f"{users:,} users {word}: {exchange.method} {exchange.path}, line {sizes.line:,} bytes,"
        f" head {sizes.head:,}, body {sizes.body:,}, {sizes.fields:,} fields"
    )
