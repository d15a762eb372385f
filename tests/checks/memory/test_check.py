"""What is said of a whole record: findings, forecasts, restarts, ceilings, kills, and what was not seen."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from harness.checks.memory import check, growing, words
from harness.model.events import NotSeen, ScaleDone, ServiceEnded
from harness.model.finding import Finding
from harness.model.record import Record, RecordWriter, ServiceFacts
from tests.checks.books import manifest

MIB = 2**20
Held = Callable[[float], float]


class Book:
    """Writes a record of one service, a scale at a time; each reading is a second after the one before."""

    def __init__(self, folder: Path, *, limit: int = 128 * MIB) -> None:
        self.writer = RecordWriter(folder)
        self.limit, self.scales = limit, []

    def scale(
        self, scale: int, users: int, held: Held, *, until: float = 1.0, readings: int = 81, **more: list
    ) -> None:
        """`held` tells the bytes at an item; reading stops at the share `until` of the scale."""
        self.scales.append(scale)
        kept = max(1, int(readings * until))
        done = np.linspace(0, users, readings)[:kept]
        start = 1000.0 * scale
        columns = {
            "t": [start + i for i in range(kept)],
            "service": ["api"] * kept,
            "bytes": [int(held(items)) for items in done],
            "usage": [None] * kept,
            "oom_kills": [0] * kept,
            "pids": ["7"] * kept,
            "done": [int(items) for items in done],
            "failed": [0] * kept,
            "live": [None] * kept,
            "source": ["cgroup v1"] * kept,
            "ceiling": [""] * kept,
            "ceiling_bytes": [None] * kept,
            "ceiling_used": [None] * kept,
        }
        self.writer.rows(
            f"progress-{scale}",
            t=[start],
            done=[users if "done" not in more else more["done"][-1]],
            failed=[0],
        )
        self.writer.rows(f"checkpoints-{scale}", **{**columns, **more})
        self.event(
            ScaleDone(
                scale=scale,
                users=users,
                trigger="t",
                presses=1,
                seconds=readings - 1.0,
                batch_seconds=1.0,
                complete=True,
            ),
            at=start + readings - 1,
        )

    def event(self, event: object, at: float = 0.0) -> None:
        self.writer._began -= at - self.writer.now  # the clock of the record is moved to that second
        self.writer.event(event)

    def read(self) -> Record:
        service = ServiceFacts(name="api", memory_limit=self.limit, image="i", entry="api")
        self.writer.manifest(replace(manifest(self.scales or [1], 400), services=[service]))
        return Record(self.writer.folder)


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return Book(tmp_path)


def found(book: Book) -> tuple[list[Finding], list[NotSeen]]:
    said = list(check(book.read()))
    return [f for f in said if isinstance(f, Finding)], [n for n in said if isinstance(n, NotSeen)]


def leak(per_item: float, base: float = 32 * MIB) -> Held:
    return lambda items: base + per_item * items


def test_a_leak_is_told_with_the_user_at_whom_the_limit_is_reached(book: Book) -> None:
    book.scale(1, 400, leak(20480))
    book.scale(10, 4000, leak(20480))
    (finding,), unseen = found(book)
    assert (finding.code, finding.severity, unseen) == ("MEM-001", "medium", [])
    assert finding.breaks_at is not None and finding.breaks_at.users == pytest.approx(4915, abs=5)
    assert finding.breaks_at.interval is not None
    assert finding.breaks_at.interval[0] <= 4915 <= finding.breaks_at.interval[1]
    assert any("between two scales" in proof.text for proof in finding.evidence)
    assert growing(book.read()) == {"api": pytest.approx(20480, rel=0.01)}


def test_the_advice_says_what_to_set_and_what_to_watch(tmp_path: Path) -> None:
    for users, said in (
        (
            2000,
            "Its 128 MiB last for 2,000 users: until then restart it before each run, with an alarm at 102 MiB.",
        ),
        (
            10000,
            "raise its limit to 273 MiB for 10,000 users, and restart it before each run, with an alarm at 218 MiB.",
        ),
    ):
        book = Book(tmp_path / str(users))
        book.scale(1, users, leak(20480))
        (finding,), _ = found(book)
        assert said in finding.advice


def test_a_kill_is_foretold_from_the_scale_that_was_not_killed(book: Book) -> None:
    book.scale(5, 2000, leak(20480))
    book.scale(10, 4000, leak(20480, base=90 * MIB), until=0.5)
    end = ServiceEnded(scale=10, service="api", done=2000, failed=0, exit_code=137, oom_killed=True)
    book.event(end, at=11e3)
    (finding,), _ = found(book)
    assert any(proof.text.startswith("forecast from 5x") for proof in finding.evidence)


def test_a_runtime_that_collects_late_is_not_accused_by_few_items(tmp_path: Path) -> None:
    for users, codes in ((2000, []), (4000, ["MEM-001"])):
        book = Book(tmp_path / str(users))
        book.scale(1, users, leak(3300))
        book.writer.rows("memory-ends-1", service=["api"], runtime=["node"])
        findings, unseen = found(book)
        assert [finding.code for finding in findings] == codes
        assert any("node collects late" in each.why for each in unseen) == (not codes)


def test_the_id_of_a_finding_holds_no_number(tmp_path: Path) -> None:
    ids = set()
    for n, size in enumerate((10_000, 30_000)):
        book = Book(tmp_path / str(n))
        book.scale(10, 4000 + n, leak(size))
        ids |= {finding.id for finding in found(book)[0]}
    assert len(ids) == 1


def test_a_healthy_service_gives_no_finding_and_its_word_tells_what_could_hide(book: Book) -> None:
    book.scale(10, 4000, leak(0))
    assert found(book) == ([], [])
    assert words(book.read()) == {
        "memory of api": "flat; a leak of up to 131 B an item could hide, which fills its limit after 772,000 items;"
        " black box"
    }


def test_less_than_a_tenth_of_the_way_gives_no_forecast_but_the_earliest_user(book: Book) -> None:
    book.limit = 1024 * MIB
    book.scale(1, 1200, leak(4096))
    (finding,), _ = found(book)
    assert finding.breaks_at is not None and finding.breaks_at.users is None
    assert any(proof.text.startswith("no forecast") for proof in finding.evidence)
    assert finding.severity == "low"


def test_growth_within_one_scale_only_is_not_called_a_leak_where_a_fresh_stage_denies_it(book: Book) -> None:
    book.scale(1, 1000, lambda items: 60 * MIB + 40960 * items)
    book.scale(4, 4000, lambda items: 32 * MIB + 5000 * items)
    (unseen,) = found(book)[1]
    assert "between two scales" in unseen.why


def test_a_kill_that_was_seen_takes_the_place_of_the_forecast(book: Book) -> None:
    book.scale(5, 2000, leak(28672))
    book.scale(10, 4000, leak(28672), until=0.85)
    kill = ServiceEnded(scale=10, service="api", exit_code=137, oom_killed=True, done=3400, failed=10)
    book.event(kill, at=10_070)
    revived = ServiceEnded(scale=0, service="api", exit_code=137, oom_killed=True, done=6800, failed=20)
    book.event(revived, at=12_000)  # with more users, on a stage where it had been killed and started again
    (finding,), unseen = found(book)
    assert (finding.severity, unseen) == ("high", [])
    assert finding.breaks_at is not None and finding.breaks_at.users == 3410
    assert "seen" in finding.breaks_at.method
    low, high = finding.breaks_at.interval
    assert high - low > 0.03 * 3410, "however near the end was: the next kill is not at the very same user"


def test_the_series_is_cut_where_a_worker_was_replaced(book: Book) -> None:
    def worker(items: float) -> float:
        return 32 * MIB + 20480 * (items if items < 2600 else items - 2600)

    pids = ["7" if items < 2600 else "8" for items in np.linspace(0, 4000, 81)]
    book.scale(10, 4000, worker, pids=pids)
    (finding,), _ = found(book)
    assert "20.0 KiB an item" in finding.evidence[0].text


def test_killed_workers_under_a_master_are_found_though_the_container_lives(book: Book) -> None:
    kills = [int(items // 1500) for items in np.linspace(0, 4000, 81)]
    book.scale(10, 4000, lambda items: 32 * MIB + 40960 * (items % 1500), oom_kills=kills)
    assert "MEM-003" in [finding.code for finding in found(book)[0]]
    assert words(book.read())["memory of api"].startswith("capped")


def test_killed_workers_are_found_with_few_users_too(book: Book) -> None:
    book.scale(1, 40, lambda items: 32 * MIB, oom_kills=[int(n > 20) for n in range(81)])
    assert [finding.code for finding in found(book)[0]] == ["MEM-003"]


def test_a_plateau_under_failing_items_is_a_ceiling_and_not_health(book: Book) -> None:
    tried = np.linspace(0, 4000, 81)
    done = np.minimum(tried, 2400)
    near = {
        "ceiling": ["RLIMIT_DATA"] * 81,
        "ceiling_bytes": [90 * MIB] * 81,
        "ceiling_used": [89 * MIB] * 81,
    }
    book.scale(
        10,
        4000,
        lambda items: 32 * MIB + 20480 * min(items, 2400),
        done=[int(n) for n in done],
        failed=[int(n) for n in tried - done],
        **near,
    )
    (finding,), _ = found(book)
    assert (finding.code, finding.config_key) == ("MEM-002", "RLIMIT_DATA")
    assert finding.breaks_at is not None and finding.breaks_at.users == pytest.approx(2400, abs=51)


def test_items_that_fail_now_and_then_are_no_ceiling(book: Book) -> None:
    tried = np.linspace(0, 4000, 81)
    failed = [int(n * 0.04) for n in tried]
    book.scale(
        10, 4000, leak(0), done=[int(n) - f for n, f in zip(tried, failed, strict=True)], failed=failed
    )
    assert found(book)[0] == []


def test_memory_that_was_never_read_is_not_checked(book: Book) -> None:
    book.event(
        ScaleDone(scale=1, users=400, trigger="t", presses=1, seconds=9, batch_seconds=9, complete=True),
        at=10,
    )
    findings, (unseen,) = found(book)
    assert findings == [] and unseen.why
    assert words(book.read()) == {}


def test_memory_that_stops_being_readable_is_not_checked_and_never_flat(book: Book) -> None:
    book.scale(10, 4000, leak(0), until=0.5)
    findings, (unseen,) = found(book)
    assert findings == [] and unseen.decisive
    assert "first 49%" in unseen.why
    assert words(book.read())["memory of api"].startswith("unsure")


def test_few_users_are_unsure_which_does_not_decide_the_verdict(book: Book) -> None:
    book.scale(1, 10, leak(0), readings=11)
    (unseen,) = found(book)[1]
    assert "unsure" in unseen.why and not unseen.decisive


def test_the_engines_statistics_are_named_as_such(book: Book) -> None:
    book.scale(10, 4000, leak(20480), source=["stats"] * 81)
    (finding,), _ = found(book)
    assert any("low resolution" in proof.text for proof in finding.evidence)


def test_the_services_own_metrics_are_named_as_such(book: Book) -> None:
    book.scale(10, 4000, leak(20480), source=["metrics"] * 81)
    (finding,), _ = found(book)
    assert any("told by the service itself" in proof.text for proof in finding.evidence)


def test_the_line_that_keeps_memory_is_named_by_its_lower_bound(book: Book) -> None:
    book.scale(10, 4000, leak(1024))
    items = np.linspace(500, 1900, 33)
    dice = np.random.default_rng(1)
    steady, wild = 1033 * (items - 500), np.abs(np.cumsum(dice.normal(0, 400_000, 33)))
    full = np.minimum(4096 * (items - 500), 4096 * 400)
    book.writer.rows(
        "sites",
        service=["api"] * 3,
        function=["churn", "remember", "cache"],
        file=["/app/lib/churn.py", "/app/pay/out.py", "/app/pay/cache.py"],
        line=[1, 60, 9],
        items=[items.tolist()] * 3,
        bytes=[each.tolist() for each in (wild, steady, full)],
        kept=[each.tolist() for each in (wild, steady, full)],
        count=[(items - 500).tolist()] * 3,
    )
    (finding,), _ = found(book)
    assert "remember (app/pay/out.py:60)" in finding.cause
    captures = [proof.text for proof in finding.evidence if proof.kind == "capture"]
    assert captures == [
        "app/pay/out.py:60 remember: 1,033 B and 1.00 allocations an item stay (surely 1,033 B or more)"
    ]
