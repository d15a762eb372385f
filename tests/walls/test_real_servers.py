"""Held against the real servers: the edge to the byte or the field, the hop, the setting, the requests used."""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace

from harness.model.finding import NotChecked
from harness.model.walls import Open, Wall
from harness.probes.walls.asking import learn
from harness.probes.walls.delivery import Shipment, find_delivery_wall
from harness.probes.walls.edge import halvings
from harness.probes.walls.find import SPARE
from harness.probes.walls.hops import Attributing, Hop, identified
from harness.probes.walls.knobs import template
from harness.probes.walls.look import Target, look
from tests.walls import stand
from tests.walls.matrix import ROWS, SMALL, Row, Sender, asking, quick

pytestmark = [pytest.mark.servers, pytest.mark.timeout(300)]
RESULTS = Path(__file__).with_name("README.md")
BYTES_KINDS = ("line", "header", "headers", "body")


class Stands:
    """Each chain of servers is started once, for all of its rows."""

    def __init__(self, work: Path) -> None:
        self.work, self.stack = work, ExitStack()
        self.ports: dict[str, list[int]] = {}

    def of(self, row: Row) -> list[int]:
        name = "+".join(server.name for server in row.servers)
        stand.need(*row.servers)
        if name not in self.ports:
            self.ports[name] = self.stack.enter_context(stand.chain(row.servers, self.work / name))
        return self.ports[name]


@pytest.fixture(scope="module")
def stands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stands]:
    work = tmp_path_factory.mktemp("stands")
    for folder in (work, *work.parents[:3]):
        folder.chmod(0o755)  # Apache's workers run as another user
    made = Stands(work)
    with made.stack:
        yield made


@pytest.fixture(scope="module")
def table() -> Iterator[dict[str, tuple[Row, Wall]]]:
    rows: dict[str, tuple[Row, Wall]] = {}
    yield rows
    if len(rows) == len(ROWS) and os.environ.get("FULL"):
        RESULTS.write_text(report(rows))


def logs(folder: Path) -> str:
    return "".join(path.read_text(errors="replace") for path in sorted(folder.glob("*.log")))


def hops_of(row: Row, ports: list[int], work: Path) -> list[Hop]:
    name = "+".join(server.name for server in row.servers)
    hops = []
    for index, (server, port) in enumerate(zip(row.servers, ports, strict=True)):
        folder = work / name / f"{index}-{server.name}"
        hops.append(Hop(server.name, (), asking(port), partial(logs, folder)))
    return hops


def observe(row: Row, ports: list[int], work: Path) -> Wall | Open | NotChecked:
    hops = hops_of(row, ports, work)
    if row.kind in BYTES_KINDS:
        sizes = {row.kind: row.sizes}
        return look(Target(row.name(), asking(ports[0]), f"127.0.0.1:{ports[0]}", hops, sizes))[0]  # type: ignore[arg-type]
    sender = Sender(ports[0], row)
    known = tuple(name for hop in map(identified, hops[-1:]) for name in hop.software)
    ways = (sender.deliver, sender.body, *row.sizes, known, sender.count)
    seen = find_delivery_wall(Shipment(row.name(), row.kind, *ways))
    if not isinstance(seen, Wall):
        return seen
    baseline = learn(asking(ports[0]), template(f"127.0.0.1:{ports[0]}"))
    request = sender.request(seen.first_failing, 0).wire()
    return replace(
        seen, where=Attributing(seen, request, [identified(hop) for hop in hops], baseline).attribute()
    )


@pytest.mark.parametrize("row", ROWS if "FULL" in os.environ else quick(ROWS), ids=Row.name)
def test_the_edge_the_hop_and_the_setting_are_right(
    row: Row, stands: Stands, table: dict[str, tuple[Row, Wall]]
) -> None:
    ports = stands.of(row)
    wall = observe(row, ports, stands.work)
    assert isinstance(wall, Wall), wall
    assert (wall.unit, wall.value) == row.edge
    assert wall.first_failing == wall.last_passing + 1
    assert wall.soft == row.soft
    assert (wall.refusal.how == "lost") == row.lost
    assert wall.where.hop == row.hop, wall.where
    assert row.key in wall.where.config_key, wall.where
    plain = halvings(*row.sizes) if row.kind in BYTES_KINDS else halvings(*counted_sizes(row, wall))
    assert wall.requests + wall.identifying <= 2 + plain + SPARE
    table[row.name()] = (row, wall)


def counted_sizes(row: Row, wall: Wall) -> tuple[int, int]:
    """What plain bisection would halve: items, or bytes where the limit was found to the byte."""
    sender = Sender(0, row)
    low, high = row.sizes
    return (sender.body(low, 0), sender.body(high, 0)) if wall.unit == "body" else (low, high)


HEALTHY = {row.name().split(":")[0]: row.servers for row in ROWS}


@pytest.mark.parametrize("name", HEALTHY)
def test_limits_that_are_far_away_are_no_finding_and_cost_two_requests(name: str, stands: Stands) -> None:
    servers = HEALTHY[name]
    row = Row(servers, "line", (0, 0), ("", 0), "", "")
    ports = stands.of(row)
    sizes = {"line": (300, 1500), "header": (100, 1000), "headers": (8, 40), "body": (5_000, 50_000)}
    seen = look(
        Target(name, asking(ports[0]), f"127.0.0.1:{ports[0]}", hops_of(row, ports, stands.work), sizes)
    )  # type: ignore[arg-type]
    assert [one for one in seen if isinstance(one, Wall)] == []
    opened = [one for one in seen if isinstance(one, Open)]
    assert [one.kind for one in opened] == ["line", "header", "headers", "body"]
    assert all(one.requests <= 2 for one in opened)


def report(rows: dict[str, tuple[Row, Wall]]) -> str:
    lines = [
        "# The server matrix",
        "",
        "Written by `make servers` when every row has passed: each edge was found to the byte or",
        "the field on the real server. Requests: those of the search (10x and 1x included), and those that tell the",
        "unit and the way of sending apart; not those for the baselines and for telling hops apart.",
        "`make test` runs some of the rows: one for each chain, and each kind of limit once.",
        "",
        "| chain | varied | limit found | refused by | setting | as | requests | + unit |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row, wall in rows.values():
        chain = " -> ".join(server.name for server in row.servers)
        kind = f"{row.kind} {row.method}" if row.kind in ("fields", "form_bytes") else row.kind
        how = "lost behind 200" if row.lost else str(wall.refusal.status or wall.refusal.how)
        how += ", soft" if row.soft else ""
        cells = [chain, kind, f"{wall.value} {wall.unit}", wall.where.hop, wall.where.config_key, how]
        lines.append(f"| {' | '.join(cells)} | {wall.requests} | {wall.identifying} |")
    known = [wall for _, wall in rows.values() if wall.expected]
    total = statistics.median(wall.requests + wall.identifying for wall in known)
    search = statistics.median(wall.requests for wall in known)
    lines += [
        "",
        f"{len(known)} of {len(rows)} are in the catalogue to the byte; their median: {search:g} requests,",
    ]
    lines += [f"{total:g} with unit and way of sending.", ""]
    return "\n".join(lines)


CHANGED = {
    "gunicorn": (
        ["-m", "gunicorn", "--limit-request-line", "5555", "-b", "127.0.0.1:@port@", "plain_wsgi:app"],
        ("line", 5555),
        "limit-request-line",
    ),
    "waitress": (
        ["-m", "waitress", "--max-request-header-size=12345", "--listen=127.0.0.1:@port@", "plain_wsgi:app"],
        ("head", 12_344),
        "max-request-header-size",
    ),
    "hypercorn": (
        ["-m", "hypercorn", "-c", "python:unusual", "-b", "127.0.0.1:@port@", "starlette_app:app"],
        ("head", 7000),
        "h11_max_incomplete",
    ),
}


@pytest.mark.parametrize("name", CHANGED)
def test_a_limit_that_somebody_has_changed_is_found_and_its_setting_named(name: str, stands: Stands) -> None:
    argv, edge, key = CHANGED[name]
    row = Row(
        [stand.Server(f"changed-{name}", stand.python(*argv), package=name)], "line", SMALL, edge, "", key
    )
    wall = observe(row, stands.of(row), stands.work)
    assert isinstance(wall, Wall), wall
    assert (wall.unit, wall.value) == edge
    assert key in wall.where.config_key
    assert wall.requests <= 2 + halvings(*row.sizes) + SPARE
