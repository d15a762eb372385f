"""Cause cards from a record, and what is load or chance instead."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from harness.checks.causes import check
from harness.model.causes import Cause, CauseFound, Difference, Inquired
from harness.model.events import NotSeen, ScaleDone
from harness.model.finding import Finding
from harness.model.record import Manifest, Record, RecordWriter, ServiceFacts
from harness.report.pytests import files_of

MANIFEST = Manifest(
    scenario="s", source="scenarios/s.py", summary="", run="r", seed=1, population={}, usual=100, scales=[1, 5],
    deadline=None, stage="process", stage_why="", triggers=["t"], versions={}, machine={}, started="",
    services=[ServiceFacts(name="batch", memory_limit=1, image="process", entry="batch")],
)  # fmt: skip
CAUSE = Cause(
    sentence="users whose name has an apostrophe fail", key="name/has:'/least", about="data", fields=["name"],
    signature="failed: HTTP 500", such=7, failing=7, explained=7, failures=9, index=3, labels=["name.apostrophe"],
    example={"id": "1", "name": "O'Neil"}, passing={"id": "1", "name": "Neil"},
    smallest={"id": "1", "name": "O'Neil"}, diff=[Difference("name", "Neil", "O'Neil")], reproduced=3, tries=3,
    removed=True, injected=True, calls=4,
)  # fmt: skip


def record(folder: Path, words: dict[int, list[str]], *events: object) -> Record:
    with RecordWriter(folder) as writer:
        writer.manifest(MANIFEST)
        for scale, said in words.items():
            writer.rows(
                f"items-{scale}", item=[str(i) for i in range(len(said))], said=said, detail=[""] * len(said)
            )
            writer.event(
                ScaleDone(
                    scale=scale,
                    users=len(said),
                    trigger="t",
                    presses=1,
                    seconds=1,
                    batch_seconds=1,
                    complete=True,
                )
            )
        for event in events:
            writer.event(event)
    return Record(folder)


def found_in(folder: Path, words: dict[int, list[str]], *events: object) -> dict[str, Finding]:
    return {f.code: f for f in check(record(folder, words, *events)) if isinstance(f, Finding)}


def test_a_cause_becomes_a_card_with_everything_on_it(tmp_path: Path) -> None:
    event = CauseFound(scale=5, service="batch", item="1", cause=CAUSE, requests=["curl x"])
    card = found_in(tmp_path / "a", {}, event)["ITEM-010"]
    assert card.title == "Users whose name has an apostrophe fail: 7 of 7"
    assert card.counts == {"5x": 7}
    assert [proof.kind for proof in card.evidence] == ["diff", "users", "tries", "curl", "test"]
    said = " ".join(proof.text for proof in card.evidence)
    assert "7 of all 9 failures" in said and "3 of 3 tries" in said and "'Neil' passes" in said
    assert card.reproduce and card.reproduce.argv == ["rehearse", "replay", "reports/s/r", card.id]


def test_the_id_has_no_numbers_in_it_and_is_the_same_at_another_limit(tmp_path: Path) -> None:
    other = msgspec.structs.replace(CAUSE, failing=9, such=9, index=77)
    one, two = (
        found_in(
            tmp_path / str(n), {}, CauseFound(scale=n, service="batch", item="1", cause=cause, requests=[])
        )
        for n, cause in ((1, CAUSE), (5, other))
    )
    assert one["ITEM-010"].id == two["ITEM-010"].id


def test_users_who_only_fail_among_many_are_load(tmp_path: Path) -> None:
    words = {1: ["ok"] * 100, 5: ["ok"] * 80 + ["failed"] * 20 + ["ok"] * 400}
    found = found_in(tmp_path / "a", words)
    assert found["ITEM-020"].title == "20 users pass at 1x and fail at 5x: load, not data"
    assert found["ITEM-020"].severity == "high" and "ITEM-021" not in found


def test_users_who_fail_now_and_then_are_chance(tmp_path: Path) -> None:
    words = {1: ["failed"] * 9 + ["ok"] * 91, 5: ["ok"] * 90 + ["failed"] * 10}
    found = found_in(tmp_path / "a", words)
    assert "ITEM-021" in found and "ITEM-020" not in found


@pytest.mark.parametrize("failing", [0, 4])
def test_users_who_fail_at_every_scale_are_neither(tmp_path: Path, failing: int) -> None:
    words = {scale: ["failed"] * 30 + ["ok"] * (70 * scale) for scale in (1, 5)}
    words[5][40:40] = ["failed"] * failing
    assert not found_in(tmp_path / "a", words)


def test_failures_without_a_cause_are_said_to_have_none(tmp_path: Path) -> None:
    event = Inquired(
        scale=1, failures=50, unexplained=20, tried_alone=3, passed_alone=0, calls=9, seconds=1, spent=False
    )
    (unseen,) = [found for found in check(record(tmp_path / "a", {}, event)) if isinstance(found, NotSeen)]
    assert unseen.probe == "why 20 of 50 users fail" and not unseen.decisive


def test_the_test_of_a_cause_is_python_whatever_the_users_are_called(tmp_path: Path) -> None:
    nasty = msgspec.structs.replace(
        CAUSE,
        sentence='users whose name is \'x"""\\\\\' fail',
        passing={"name": "a"},
        smallest={"name": '"""\\ \u202e\nimport os'},
    )
    event = CauseFound(scale=1, service="batch", item="1", cause=nasty, requests=[])
    ((path, text),) = files_of(record(tmp_path / "a", {}, event)).items()
    assert path.startswith("causes/test_item_010_") and path.endswith(".py")
    compile(text, path, "exec")
    assert text.count("def test_") == 1


def test_those_who_fell_and_those_who_rose_are_counted_at_the_same_scale(tmp_path: Path) -> None:
    rose = ["ok"] * 30 + ["failed"] * 10 + ["ok"] * 160
    words = {1: ["failed"] * 30 + ["ok"] * 70, 2: rose, 5: ["failed"] * 100 + ["ok"] * 400}
    finding = found_in(tmp_path / "a", words)["ITEM-020"]
    assert finding.title == "70 users pass at 1x and fail at 5x: load, not data"
    assert "70 passed there and failed at 5x; 0 the other way round" in finding.evidence[0].text


def test_one_cause_with_two_ways_to_fail_is_one_card(tmp_path: Path) -> None:
    other = msgspec.structs.replace(CAUSE, signature="failed: cannot encode", failing=2, such=2, explained=2)
    events = [CauseFound(scale=5, service="batch", item="1", cause=c, requests=[]) for c in (CAUSE, other)]
    cards = [one for one in check(record(tmp_path / "a", {}, *events)) if isinstance(one, Finding)]
    assert len(cards) == 1 and cards[0].title.endswith("7 of 7")
    covered = [proof.text for proof in cards[0].evidence if proof.kind == "users"]
    assert len(covered) == 2 and "HTTP 500" in covered[0] and "cannot encode" in covered[1]
