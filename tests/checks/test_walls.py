"""From observations to findings: the code, the users, the setting, and what the obvious fix meets next."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from harness.checks import behind
from harness.checks.walls import Reading, check, findings
from harness.model.events import Pressed, WallSeen
from harness.model.finding import Finding, NotChecked
from harness.model.walls import Attribution, Experiment, InUsers, Open, Refusal, Rejection, Wall
from tests.checks.books import EXCHANGE, Books

READING = Reading(argv=["rehearse", "run", "friday.py"], seed=7, triggers=["by URL", "by form"])
REFUSED = Refusal(how="status", status=414, reason="URI Too Long", body="too long", fate="closed")
LOST = Refusal(how="lost", status=200, reason="OK", fate="kept")


def wall(**more: Any) -> Wall:
    usual: dict[str, Any] = {
        "service": "batch",
        "kind": "line",
        "last_passing": 4094,
        "first_failing": 4095,
        "unit": "line",
        "value": 4094,
        "expected": True,
        "refusal": REFUSED,
        "where": Attribution(
            hop="batch", software="gunicorn", config_key="--limit-request-line", sure="confirmed"
        ),
        "users": InUsers(last_passing=407, first_failing=408, confirmed=True),
        "trigger": "by URL",
    }
    return Wall(**{**usual, **more})


FIELDS = {
    "kind": "fields",
    "unit": "fields",
    "value": 1000,
    "last_passing": 1000,
    "first_failing": 1001,
    "users": None,
}


def read(*seen: Any, reading: Reading = READING) -> list[Finding | NotChecked]:
    return list(findings(seen, reading))


def only(*seen: Any, reading: Reading = READING) -> Finding:
    (finding,) = read(*seen, reading=reading)
    assert isinstance(finding, Finding)
    return finding


def test_a_wall_is_told_in_users_with_its_hop_and_its_setting() -> None:
    finding = only(wall())
    assert (finding.code, finding.severity, finding.hop) == ("URL-001", "critical", "gunicorn")
    assert finding.config_key == "--limit-request-line"
    assert finding.breaks_at is not None
    assert (finding.breaks_at.users, finding.breaks_at.last_passing, finding.breaks_at.value) == (
        408,
        407,
        4094.0,
    )
    assert "408 users" in finding.title
    assert finding.reproduce is not None
    assert finding.reproduce.argv[-2:] == ["--users", "408"]


def test_the_advice_says_what_the_obvious_fix_meets_next() -> None:
    django = Attribution(
        hop="batch", software="Django", config_key="DATA_UPLOAD_MAX_NUMBER_FIELDS", sure="likely"
    )
    first, _ = read(wall(), wall(**FIELDS, where=django, trigger="by form"))
    assert isinstance(first, Finding)
    assert "meets Django's 1,000 fields next: 'by form' was tried" in first.advice
    assert "raise --limit-request-line" in first.advice
    assert "often meets a limit of 1,000 next (" in only(wall()).advice


def test_what_no_trigger_tries_is_told_from_what_the_servers_on_the_way_are_known_for() -> None:
    advice = only(wall(chain=["nginx", "gunicorn", "Django"])).advice
    assert "it meets Django's 1,000 fields next, as they are known; no trigger here tries it" in advice
    assert (
        "As one body it meets nginx's 1,048,576 bytes of body and Django's 2,621,440 bytes of body" in advice
    )
    assert "JSON in chunks of 500 meets none of these" in advice


def test_behind_a_limit_that_is_raised_the_same_kind_of_limit_of_the_next_hop_stands() -> None:
    nginx = Attribution(hop="front", software="nginx", config_key="client_max_body_size", sure="confirmed")
    body = wall(kind="body", unit="body", value=1_048_576, where=nginx, chain=["nginx", "gunicorn", "Django"])
    advice = only(body).advice
    assert "Send chunks." in advice
    assert "Larger it meets Django's 2,621,440 bytes of body next" in advice
    assert "nginx's" not in advice


@pytest.mark.parametrize("kind", behind.FIXES)
def test_every_kind_of_wall_has_a_fix_and_something_that_stands_behind_it(kind: str) -> None:
    chain = ["nginx", "gunicorn", "Django", "PHP", "Express query parser"]
    advice = only(wall(kind=kind, unit="body", chain=chain)).advice
    assert advice.startswith(behind.FIXES[kind])
    assert " next" in advice


def test_the_advice_names_the_trigger_that_got_through() -> None:
    reading = msgspec.structs.replace(READING, carried={"by URL": 407, "as JSON": 4000})
    assert "'as JSON' carried 4,000 users" in only(wall(), reading=reading).advice


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({}, "URL-001"),
        ({"soft": True}, "URL-002"),
        ({"unit": "head"}, "HDR-002"),
        ({"kind": "header", "unit": "field"}, "HDR-001"),
        ({"kind": "headers", "unit": "headers"}, "HDR-003"),
        ({"kind": "body", "unit": "body"}, "BODY-001"),
        ({"kind": "form_bytes", "unit": "body"}, "BODY-002"),
        (FIELDS, "FORM-001"),
        ({**FIELDS, "kind": "parts", "unit": "parts"}, "FORM-002"),
        ({**FIELDS, "kind": "nesting", "unit": "nesting"}, "FORM-003"),
        ({**FIELDS, "kind": "files", "unit": "files"}, "FORM-004"),
        ({**FIELDS, "kind": "upload", "unit": "part"}, "BODY-003"),
        ({**FIELDS, "refusal": LOST, "lost_at": 1000}, "LOST-010"),
        ({**FIELDS, "refusal": LOST, "lost_at": 0}, "LOST-011"),
        ({**FIELDS, "refusal": LOST, "lost_at": 1001}, "LOST-012"),
        ({**FIELDS, "refusal": LOST, "lost_at": 0, "last_passing": 0, "first_failing": 1}, "LOST-013"),
    ],
)
def test_each_wall_has_its_code(more: dict[str, Any], code: str) -> None:
    finding = only(wall(**more))
    assert finding.code == code
    assert (finding.severity == "critical") or code.startswith("LOST") is False
    assert len(finding.title) <= 80


def test_a_silent_loss_is_critical_whoever_triggers_it() -> None:
    finding = only(wall(**{**FIELDS, "refusal": LOST, "lost_at": 1000, "trigger": "by form"}))
    assert finding.severity == "critical"
    assert any("1,001 distinct items sent, 1,000 arrived" in one.text for one in finding.evidence)


def test_a_wall_on_a_way_out_weighs_less() -> None:
    assert only(wall(trigger="by form")).severity == "medium"


def test_one_wall_met_by_two_probes_is_told_once() -> None:
    assert len(read(wall(unit="head"), wall(unit="head", kind="header", first_failing=4000))) == 1


def test_what_is_open_is_no_finding_and_what_was_not_seen_is_said() -> None:
    unseen = NotChecked("request walls: body of batch", "no connection")
    assert read(Open(service="batch", kind="line", up_to=30_000, requests=2), unseen) == [unseen]


def rejection(meaning: Any, why: str = "") -> Rejection:
    steps = [
        Experiment("all items", False, "403 Forbidden"),
        Experiment("one item, fresh token", False, "403"),
    ]
    return Rejection(
        service="batch",
        trigger="by form",
        meaning=meaning,
        software="Django",
        refusal=REFUSED,
        experiments=steps,
        users=400,
        why_unsure=why,
    )


@pytest.mark.parametrize(
    ("meaning", "code"),
    [
        ("access", "SEC-001"),
        ("csrf", "SEC-003"),
        ("origin", "SEC-004"),
        ("login", "SEC-005"),
        ("waf", "SEC-006"),
        ("rate", "SEC-007"),
    ],
)
def test_each_rejection_has_its_code_and_shows_its_experiments(meaning: str, code: str) -> None:
    finding = only(rejection(meaning))
    assert finding.code == code
    assert [one.kind for one in finding.evidence] == ["experiment", "experiment", "response"]
    assert finding.advice


def test_experiments_that_disagree_are_not_checked_and_a_size_is_left_to_its_wall() -> None:
    (unsure,) = read(rejection(None, "the answer does not say why"))
    assert isinstance(unsure, NotChecked)
    assert "does not say why" in unsure.why
    assert read(rejection("size")) == []


def test_ids_are_the_same_over_numbers() -> None:
    other = InUsers(last_passing=300, first_failing=301)
    assert only(wall()).id == only(wall(users=other, value=4000)).id


def test_observations_survive_the_record() -> None:
    seen = wall()
    assert msgspec.json.decode(msgspec.json.encode(seen), type=Wall) == seen


@pytest.mark.parametrize("path", ["/run/{ids}", "/run/{ids}/now", "/run/{first}"])
def test_ids_are_the_same_over_users_whose_ids_stand_in_the_path(tmp_path: Path, path: str) -> None:
    found = []
    for seed, users in (("a", ["71", "72", "73"]), ("b", ["98", "95", "91"])):
        books = Books(tmp_path / seed, users)
        went = path.format(ids=",".join(users), first=users[0])
        press = Pressed(
            scale=1, trigger="by form", press=1, users=3, exchange=replace(EXCHANGE, path=went), accepted=True,
            why="", seconds=1.0, done=3, failed=0, left=0,
        )  # fmt: skip
        books.event(press)
        books.event(WallSeen(wall=wall(trigger="by form")))
        found += [one.id for one in check(books.close()) if isinstance(one, Finding)]
    assert len(found) == 2 and found[0] == found[1]
