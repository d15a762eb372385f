"""Planted anomalies are found exactly as planted, and nothing is found where nothing is."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random

import pytest
from msgspec.structs import replace

from harness.checks import items
from harness.checks.ledger import balance
from harness.judgement import judge
from harness.model.events import NotSeen, ScaleDone
from harness.model.finding import Finding, Verdict
from harness.model.record import Record
from harness.model.scenario import Effect, Outcome
from harness.probes.items import read_effects, read_outcomes
from tests.checks.books import Books
from tests.checks.plants import PLANTS, due

USUAL = 40
KINDS = [*(kind for kind in PLANTS if kind != "clean"), "phantom"]


def stage(
    folder: Path, scale: int, chance: Random, share: float, kinds: list[str]
) -> tuple[Books, dict[str, str]]:
    """One scale in which a share of the users has one of `kinds`; the books, and each user's kind."""
    users = [str(n) for n in chance.sample(range(10**6, 10**7), USUAL * scale)]
    planted = {user: chance.choice(kinds) if chance.random() < share else "clean" for user in users}
    books = Books(folder, users, (scale,))
    books.expect(effect for user in users for effect in due(user))
    said, done = [], []
    for user, kind in planted.items():
        word, effects = PLANTS["clean" if kind == "phantom" else kind].story(user)
        said += [Outcome(user, word)] if word else []
        done += effects + ([Effect(f"x{user}", "1.00", "debit")] if kind == "phantom" else [])
    chance.shuffle(said)
    chance.shuffle(done)
    books.scale(scale, said, done)
    return books, planted


@pytest.mark.parametrize("scale", [1, 5, 10])
@pytest.mark.parametrize("kind", KINDS)
def test_each_user_is_classified_as_planted(tmp_path: Path, kind: str, scale: int) -> None:
    for seed in range(5):
        books, planted = stage(tmp_path / str(seed), scale, Random(f"{kind}{scale}{seed}"), 0.1, [kind])
        account = balance(books.close(), USUAL * scale, f"items-{scale}", f"effects-{scale}")
        assert account is not None
        wanted = {user: PLANTS.get(kind, PLANTS["clean"]).verdict for user, kind in planted.items()}
        assert account.verdict_of() == wanted
        phantoms = {f"x{user}" for user, kind in planted.items() if kind == "phantom"}
        assert set(account.deeds.strangers) == phantoms


def test_all_kinds_at_once_are_told_apart_with_their_counts(tmp_path: Path) -> None:
    books, planted = stage(tmp_path / "run", 20, Random(3), 0.6, KINDS)
    found = [f for f in items.check(books.close()) if isinstance(f, Finding)]
    wanted = Counter(PLANTS[kind].verdict for kind in planted.values() if kind != "phantom")
    wanted["phantom"] = sum(kind == "phantom" for kind in planted.values())
    codes = {name: kind.code for name, kind in items.KINDS.items()}
    assert {f.code: f.counts["20x"] for f in found} == {codes[name]: wanted[name] for name in codes}


def test_fifty_clean_runs_have_no_finding_and_are_ready(tmp_path: Path) -> None:
    for seed in range(50):
        scale = (1, 2, 5)[seed % 3]
        books, _ = stage(tmp_path / str(seed), scale, Random(seed), 0.0, KINDS)
        verdict = judge(books.close())
        assert (verdict.findings, verdict.verdict) == ([], "ready")


def test_money_is_told_where_it_moves(tmp_path: Path) -> None:
    users = ["1000001", "1000002", "1000003"]
    books = Books(tmp_path / "run", users)
    books.expect(Effect(user, "10.00") for user in users)
    done = [Effect("1000001", "10.0")] * 3 + [Effect("1000002", "10.00")]
    books.scale(1, [Outcome(user, "ok") for user in users], done)
    found = {f.code: f for f in items.check(books.close()) if isinstance(f, Finding)}
    assert found["DUP-001"].evidence[-1].text == "at 1x 20.00 were paid too much"
    assert found["DUP-001"].evidence[-2].text == "at 1x up to 3 times each"
    assert found["LOST-001"].evidence[-1].text == "at 1x 10.00 were due to them"


def test_without_expectations_steps_are_counted_apart_and_content_is_not_judged(tmp_path: Path) -> None:
    books = Books(tmp_path / "run", ["1", "2"])
    done = [effect for user in ("1", "2") for effect in due(user)] + [Effect("2", "3", "debit")]
    books.scale(1, [Outcome("1", "ok"), Outcome("2", "ok")], done)
    account = balance(books.close(), 2, "items-1", "effects-1")
    assert account is not None
    assert account.verdict_of() == {"1": "done-once", "2": "duplicated"}


def said(*words: tuple[str, str]) -> list[Outcome]:
    return [Outcome(user, word) for user, word in words]  # type: ignore[arg-type]  # odd words are the point


@pytest.mark.parametrize(
    ("outcomes", "why"),
    [
        (said(("1", "ok"), ("2", "ok"), ("9", "ok")), "not handed in: 9"),
        (said(("1", "ok"), ("2", "ok"), ("2", "ok")), "more than once: 2"),
        (said(("1", "ok"), ("2", "ok"), ("2", "failed")), "more than once: 2"),
        (said(("1", "ok"), ("2", "DONE")), "says DONE"),
        (said(("1", "ok")), "says nothing of users for whom something was done: 2"),
    ],
)
def test_a_word_that_cannot_be_believed_is_never_ready(
    tmp_path: Path, outcomes: list[Outcome], why: str
) -> None:
    books = Books(tmp_path / "run", ["1", "2"])
    books.scale(1, outcomes, [Effect("1"), Effect("2")])
    verdict = judge(books.close())
    assert verdict.verdict != "ready"
    assert any(why in unseen.why for unseen in verdict.not_checked)


def test_half_a_word_and_half_a_ledger_are_never_ready(tmp_path: Path) -> None:
    users = [str(n) for n in range(20)]
    books = Books(tmp_path / "run", users)
    books.scale(1, [Outcome(user, "ok") for user in users[:10]], [Effect(user) for user in users[:10]])
    verdict = judge(books.close())
    assert verdict.verdict == "inconclusive"
    assert any("never begun" in unseen.why for unseen in verdict.not_checked)


@pytest.mark.parametrize("missing", ["items-1", "effects-1"])
def test_what_was_not_read_is_not_checked(tmp_path: Path, missing: str) -> None:
    books = Books(tmp_path / "run", ["1"])
    books.scale(1, [Outcome("1", "ok")], [Effect("1")])
    (tmp_path / "run" / "tables" / f"{missing}.jsonl").unlink()
    record = books.close()
    assert [type(found) for found in items.check(record)] == [NotSeen]
    assert judge(record).verdict == "inconclusive"


def test_a_ledger_that_did_not_get_quiet_is_never_ready(tmp_path: Path) -> None:
    books = Books(tmp_path / "run", ["1"])
    books.event(NotSeen(probe="the ledger (effects-1)", why="still not quiet after 60 s"))
    books.scale(1, [Outcome("1", "ok")], [Effect("1")])
    assert judge(books.close()).verdict == "inconclusive"


def test_a_batch_that_does_nothing_has_rehearsed_nothing(tmp_path: Path) -> None:
    books = Books(tmp_path / "run", ["1", "2"])
    books.scale(1, [Outcome("1", "failed"), Outcome("2", "failed")], [])
    verdict = judge(books.close())
    assert verdict.verdict == "inconclusive"
    assert any("nothing was rehearsed" in unseen.why for unseen in verdict.not_checked)


class Hooks:
    """`outcomes()` and `effects()` of a batch that did everything, each spoiled in one way."""

    users = tuple(str(n) for n in range(20))

    @staticmethod
    def spoiled(rows: list, how: str) -> list:
        if how == "raises":
            raise RuntimeError("the page has changed")
        return {
            "foreign": [*rows, replace(rows[0], item="9999")],
            "all foreign": [replace(row, item=f"x{row.item}") for row in rows],
            "duplicates": [*rows, rows[3]],
            "half": rows[: len(rows) // 2],
            "nothing": [],
        }.get(how, rows)

    def outcomes(self, how: str) -> list[Outcome]:
        return self.spoiled([Outcome(user, "ok") for user in self.users], how)

    def effects(self, how: str) -> list[Effect]:
        return self.spoiled([Effect(user) for user in self.users], how)


def rehearsed(folder: Path, word: str, ledger: str) -> Verdict:
    hooks, books = Hooks(), Books(folder / "run", Hooks.users)
    read_outcomes(lambda: hooks.outcomes(word), books.record, "items-1")
    read_effects(lambda: hooks.effects(ledger), books.record, "effects-1")
    books.event(
        ScaleDone(
            scale=1, users=20, trigger="button", presses=1, seconds=1.0, batch_seconds=1.0, complete=True
        )
    )
    return judge(books.close())


SPOILED = ("raises", "foreign", "all foreign", "duplicates", "half", "nothing")


@pytest.mark.parametrize(
    ("word", "ledger"), [*((how, "") for how in SPOILED), *(("", how) for how in SPOILED)]
)
def test_hooks_that_raise_or_tell_of_others_twice_or_half_are_never_ready(
    tmp_path: Path, word: str, ledger: str
) -> None:
    assert rehearsed(tmp_path / "good", "", "").verdict == "ready"
    verdict = rehearsed(tmp_path / "bad", word, ledger)
    assert verdict.verdict != "ready"
    assert verdict.findings or any(unseen.why for unseen in verdict.not_checked)


@pytest.mark.parametrize("one", SPOILED)
@pytest.mark.parametrize("other", SPOILED)
def test_two_spoiled_hooks_do_not_make_up_for_each_other(tmp_path: Path, one: str, other: str) -> None:
    assert rehearsed(tmp_path, one, other).verdict != "ready"


def test_a_damaged_line_is_counted_once_however_many_read_it(tmp_path: Path) -> None:
    books = Books(tmp_path / "run", [str(n) for n in range(1, 21)])
    books.scale(1, [Outcome(u, "ok") for u in books.users], [Effect(u) for u in books.users])
    books.close()
    table = tmp_path / "run/tables/items-1.jsonl"
    table.write_bytes(table.read_bytes().replace(b'"ok"', b'"OK"', 1))
    (gap,) = (one for one in judge(Record(tmp_path / "run")).not_checked if one.probe == "the record")
    assert gap.why == "1 damaged line was left out"


def test_what_is_not_seen_of_one_user_is_told_in_the_singular(tmp_path: Path) -> None:
    books = Books(tmp_path / "run", [str(n) for n in range(1, 21)])
    books.scale(1, [Outcome(u, "ok") for u in books.users[1:]], [Effect(u) for u in books.users[1:]])
    assert "1 user at 1x" in {one.probe for one in judge(books.close()).not_checked}


def test_a_scale_of_which_the_record_tells_nothing_is_never_ready(tmp_path: Path) -> None:
    books = Books(tmp_path / "run", [str(n) for n in range(1, 21)], scales=(1, 2))
    books.scale(1, [Outcome(u, "ok") for u in books.users[:10]], [Effect(u) for u in books.users[:10]])
    verdict = judge(books.close())
    assert verdict.verdict == "inconclusive"
    assert [one.probe for one in verdict.undecided] == ["the batch at 2x"]
