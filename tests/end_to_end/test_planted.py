"""Every anomaly planted in the real sample system is found as planted, on both stages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.checks import again, stops
from harness.checks.ledger import balance
from harness.drive.client import Live
from harness.judgement import judge
from harness.model.events import Pressed, PressedAgain, ScaleDone
from harness.model.finding import Finding
from harness.model.people import SyntheticUser
from harness.model.record import Record
from harness.model.scenario import Effect
from harness.population import Population
from scenarios.friday_payouts import FridayPayouts
from tests.end_to_end.friday import hold_rehearsal, press_again, variant

USERS = 130
PAYOUTS = {
    "commit-then-500": (5, "falsely-failed"),
    "forget": (7, "falsely-ok"),
    "half": (11, "half-done"),
    "half-then-200": (13, "falsely-ok"),
    "twice": (17, "duplicated"),
    "wrong-amount": (19, "corrupted"),
    "phantom": (23, "done-once"),
    "late": (29, "recovered"),
    "never": (31, "lost"),
    "refuse": (37, "failed-clean"),
}
BATCH = {"pass-over": (41, "blocked"), "call-done": (43, "falsely-ok")}


def plan(plants: dict[str, tuple[int, str]]) -> str:
    return ",".join(f"{kind}:{every}" for kind, (every, _) in plants.items())


def planted(number: int, plants: dict[str, tuple[int, str]]) -> tuple[str, str]:
    return next(
        ((kind, becomes) for kind, (every, becomes) in plants.items() if number % every == 0), ("", "")
    )


def as_planted(users: list[str]) -> Iterator[tuple[str, str, str]]:
    """(user, kind, verdict): the batch's own plants go by key, those of payouts by order of arrival."""
    sent = 0
    for key, user in enumerate(users, 1):
        kind, becomes = planted(key, BATCH)
        if not kind:
            sent += 1
            kind, becomes = planted(sent, PAYOUTS)
        yield user, kind, becomes or "done-once"


@pytest.fixture(params=["process", pytest.param("docker", marks=pytest.mark.engine)])
def kind(request: pytest.FixtureRequest) -> str:
    if request.param == "docker":
        request.getfixturevalue("engine")
    return request.param


def found(check, record: Record) -> dict[str, Finding]:
    return {finding.code: finding for finding in check(record) if isinstance(finding, Finding)}


@pytest.mark.timeout(240)
def test_each_user_is_classified_as_planted(kind: str, tmp_path: Path) -> None:
    scenario = variant(
        payouts={"PAYOUTS_PLANT": plan(PAYOUTS), "PAYOUTS_STEPS": "yes", "PAYOUTS_LATE_MS": "900"},
        batch={"BATCH_PLANT": plan(BATCH), "BATCH_TIMEOUT_SECONDS": "0.5", "BATCH_TIMEOUT_SAYS": "unknown"},
        expected=lambda self, user: [Effect(user.id, user.amount, step) for step in ("debit", "credit")],
        quiet="1s",
    )
    record = hold_rehearsal(scenario, tmp_path / "run", kind, USERS)
    account = balance(record, USERS, "items-1", "effects-1")
    wanted = list(as_planted([user.id for user in Population(1).users(USERS)]))
    assert account is not None
    assert account.verdict_of() == {user: becomes for user, _, becomes in wanted}
    assert set(account.deeds.strangers) == {f"x{user}" for user, kind, _ in wanted if kind == "phantom"}
    assert judge(record).verdict == "not_ready"


@pytest.mark.timeout(120)
def test_a_batch_that_hangs_is_stuck_and_the_rehearsal_goes_on(kind: str, tmp_path: Path) -> None:
    scenario = variant(
        payouts={"PAYOUTS_PLANT": "never:7"},
        batch={"BATCH_TIMEOUT_SECONDS": "0"},
        patience="2s",
        quiet="0.5s",
    )
    record = hold_rehearsal(scenario, tmp_path / "run", kind, 20)
    account = balance(record, 20, "items-1", "effects-1")
    stop = found(stops.check, record)["STOP-002"]
    assert account is not None
    assert [account.count(word) for word in ("done-once", "stuck", "blocked")] == [6, 1, 13]
    assert (stop.breaks_at.users, stop.counts, stop.title) == (
        7,
        {"1x": 14},
        "The batch hangs: 13 of 20 users wait behind",
    )
    assert record.all(ScaleDone)[0].complete is False


@pytest.mark.timeout(120)
def test_a_run_that_breaks_behind_its_own_mark_is_stuck_though_its_answer_was_an_error(
    tmp_path: Path,
) -> None:
    """SQLite keeps an amount of 17 digits that Django cannot read back: the run is marked, and never worked on."""

    def seed(self: FridayPayouts, live: Live, users: list[SyntheticUser]) -> None:
        odd = SyntheticUser(users[3].index, users[3].id, users[3].data | {"amount": "12345678901234567.00"})
        FridayPayouts.seed(self, live, [*users[:3], odd, *users[4:]])

    scenario = variant(payouts={}, batch={}, patience="2s", quiet="0.5s", seed=seed)
    record = hold_rehearsal(scenario, tmp_path / "run", "process", 20)
    stop = found(stops.check, record)["STOP-002"]
    assert (stop.counts, stop.title) == ({"1x": 20}, "The batch hangs: 20 of 20 users wait behind")
    assert "status 500" in stop.evidence[0].text and "says that it runs" in stop.evidence[0].text
    assert judge(record).verdict == "not_ready"


@pytest.mark.timeout(240)
def test_each_way_of_doing_users_twice_is_told_press_by_press(kind: str, tmp_path: Path) -> None:
    keys = ("again-complete", "again-double-50", "again-running")
    scenario = variant(
        payouts={"PAYOUTS_DELAY_MS": "20"},
        batch={"BATCH_RUN_LOCK": "no", "BATCH_ON_RERUN": "start-over"},
        quiet="0.5s",
    )
    record = press_again(scenario, tmp_path / "run", kind, 60, *keys)
    twice = found(again.check, record)
    assert {"DUP-003", "DUP-004", "DUP-005"} <= twice.keys()
    assert twice["DUP-003"].counts == {"press 1": 0, "press 2": 60}
    assert any("were paid too much" in proof.text for proof in twice["DUP-003"].evidence)


KILLS = ("again-kill-batch", "again-kill-payouts")
SLOW = {"PAYOUTS_DELAY_MS": "20"}


@pytest.mark.timeout(240)
def test_what_a_kill_leaves_behind_is_told(kind: str, tmp_path: Path) -> None:
    friday = press_again(variant(payouts=SLOW, batch={}, quiet="0.5s"), tmp_path / "a", kind, 60, *KILLS)
    told = found(again.check, friday)
    assert told.keys() - {"ITEM-012"} == {"STOP-004", "ITEM-013"}
    assert told["ITEM-013"].title.startswith("1 of 60 users stay in work for ever after batch is killed")


@pytest.mark.timeout(240)
def test_what_a_kill_leaves_behind_the_healthy_system_makes_good(kind: str, tmp_path: Path) -> None:
    good = {"BATCH_ON_RERUN": "retry", "BATCH_AFTER_KILL": "again"}
    healthy = variant(payouts=SLOW | {"PAYOUTS_IDEMPOTENT": "yes"}, batch=good, quiet="0.5s")
    record = press_again(healthy, tmp_path / "b", kind, 60, *KILLS)
    assert [event.reached for event in record.all(PressedAgain)] == [True, True]
    assert not found(again.check, record)


@pytest.mark.timeout(120)
def test_an_effect_that_lands_after_the_timeout_is_seen(kind: str, tmp_path: Path) -> None:
    scenario = variant(
        payouts={"PAYOUTS_DELAY_MS": "20"},
        batch={"BATCH_TIMEOUT_SECONDS": "1", "BATCH_ON_RERUN": "retry"},
        quiet="0.5s",
    )
    record = press_again(scenario, tmp_path / "run", kind, 40, "again-late")
    event = record.all(PressedAgain)[0]
    late = found(again.check, record)
    assert event.reached == ("DUP-007" in late)
    if kind == "process":
        assert late["DUP-007"].counts["press 2"] >= 1


@pytest.mark.timeout(120)
def test_at_2000_users_the_presses_foretold_cover_those_needed_where_it_stops_at_each_failure(
    tmp_path: Path,
) -> None:
    stop = variant(payouts={"PAYOUTS_REJECTS": "non-ascii-name"}, batch={"BATCH_ON_FAILURE": "stop"})
    record = hold_rehearsal(stop, tmp_path / "run", "process", 2000)
    done, first = (
        record.all(ScaleDone)[0],
        next(p for p in record.all(Pressed) if p.press == 1 and p.accepted),
    )
    assert done.complete and done.presses > 20
    foretold = stops.presses(stops.Seen(first.done, first.failed, first.left))[0]
    assert foretold.covers(done.presses)
    texts = [proof.text for proof in found(stops.check, record)["STOP-001"].evidence]
    assert any(
        f"pressed {done.presses} times (the first press foretold {foretold})" in text for text in texts
    )


@pytest.mark.timeout(120)
def test_at_2000_users_the_presses_foretold_cover_those_needed_where_it_skips_failures(
    tmp_path: Path,
) -> None:
    skip = variant(payouts={"PAYOUTS_FLAKY": "0.05"}, batch={"BATCH_ON_RERUN": "retry"}, quiet="0.5s")
    record = press_again(skip, tmp_path / "run", "process", 2000, "again-complete")
    presses = record.all(PressedAgain)[0].presses
    needed = next(note.number for note in presses if not note.failed)
    foretold = again.presses(again.Seen(presses[0].done, presses[0].failed, presses[0].left))
    assert needed >= 2 and foretold[1].covers(needed)
    finding = found(again.check, record)["STOP-005"]
    assert "no model fits" not in finding.evidence[-1].text
