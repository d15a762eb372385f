"""The verdict as one offline HTML file: no script, nothing fetched, every text escaped, plots drawn here as SVG."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from itertools import groupby, islice
from operator import itemgetter
from typing import TypeVar

from jinja2 import Environment, Template
from markupsafe import Markup, escape
from msgspec import Struct

from harness.model.causes import CauseFound
from harness.model.events import ScaleDone
from harness.model.finding import SEVERITIES, Finding, NotChecked, Verdict
from harness.model.record import Manifest, Record
from harness.report import curves
from harness.report.compared import COLUMNS, cells, comparison, told
from harness.report.ladder import headlines, ladder, safe, walls
from harness.report.plots import Plot, draw
from harness.report.text import WORD, inert, rows, sentence, shorten

MOST_FINDINGS = 100
MOST_TEXT = 400_000
MOST_PLOTS = 12
MOST_CAUSES = 12
Thing = TypeVar("Thing", Finding, NotChecked)
SIGN = {"passed": "✓", "broken": "✗", "not seen": "–"}


class Items(Struct, frozen=True):
    """One scale in the table of users and presses."""

    scale: int
    cells: list[str]


class Figure(Struct, frozen=True):
    """One plot, the title above it, and what it shows in words."""

    title: str
    drawing: Markup
    told: str


def render(verdict: Verdict, record: Record) -> str:
    """The whole page."""
    style = files("harness.report").joinpath("report.css").read_text()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    moved, largest = comparison(record), safe(record, verdict.findings)
    shown = _fitting(verdict.findings[:MOST_FINDINGS], MOST_TEXT)
    return _template().render(
        verdict=verdict,
        manifest=record.manifest,
        word=WORD[verdict.verdict],
        sentence=sentence(verdict, record.manifest),
        safe=largest,
        safe_number="unknown"
        if largest.users is None
        else f"{largest.users:,}"
        if largest.users
        else "none seen",
        top=max((done.scale for done in record.all(ScaleDone)), default=0),
        heavy=sum(finding.severity in SEVERITIES[:2] for finding in verdict.findings),
        headlines=headlines(record, verdict.findings),
        grouped=_grouped,
        causes=list(_causes(record)),
        ladder=ladder(record),
        walls=walls(record, shown),
        sign=SIGN,
        findings=shown,
        unseen=_fitting(verdict.not_checked[:MOST_FINDINGS], MOST_TEXT // 4),
        items=[_items(record, done) for done in record.all(ScaleDone)],
        figures=_figures(verdict, record),
        finish=curves.finish(record),
        words=[(name, told) for name, told in verdict.measurements.items() if name.startswith("memory of ")],
        flames=[page.name for page in sorted((record.folder / "logs").glob("memory-*.html"))],
        held=_held(verdict, record.manifest),
        moved=moved,
        moved_told=told(moved) if moved else "",
        columns=COLUMNS,
        cells=cells,
        style=style,
        style_hash=digest,
    )


class Why(Struct, frozen=True):
    """A cause of failing users: its card's id, the sentence, how far it reaches, and field by field what differs."""

    id: str
    sentence: str
    covers: str
    differences: list[tuple[str, str, str]]


def _causes(record: Record) -> Iterator[Why]:
    for found in islice(record.all(CauseFound), MOST_CAUSES):
        cause = found.cause
        covers = (
            f"{cause.failing:,} of {cause.such:,} such users failed at {found.scale}x ({cause.signature});"
            f" tried alone, the example failed {cause.reproduced} of {cause.tries} times"
        )
        differences = [
            (each.field, shorten(repr(each.passes), 160), shorten(repr(each.fails), 160))
            for each in cause.diff
        ]
        sentence = cause.sentence[0].upper() + cause.sentence[1:]
        yield Why(found.finding, sentence, covers, differences)


def _grouped(finding: Finding) -> list[tuple[str, list[str]]]:
    """The rows of a finding, those with the same label together."""
    return [(label, [text for _, text in some]) for label, some in groupby(rows(finding), key=itemgetter(0))]


def _fitting(things: Sequence[Thing], most: int) -> Sequence[Thing]:
    """The first of `things` that stay below `most` bytes together."""
    room = most
    for count, thing in enumerate(things):
        texts = rows(thing) if isinstance(thing, Finding) else [(thing.probe, thing.why)]
        room -= sum(len(escape(shorten(part)).encode()) for row in texts for part in row)
        if room < 0:
            return things[:count]
    return things


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, finalize=_harmless)
    return environment.from_string(files("harness.report").joinpath("report.html.j2").read_text())


def _harmless(value: object) -> object:
    return shorten(inert(value)) if type(value) is str else value


def _figures(verdict: Verdict, record: Record) -> dict[str, list[Figure]]:
    """The figures by section; a section whose record is empty has none."""
    plots: dict[str, list[Plot | None]] = {
        "presses": [curves.presses(record)],
        "memory": [*islice(curves.memory(record, verdict.findings), MOST_PLOTS)],
        "time": [curves.time(record), curves.rate(record)],
        "sizes": [curves.sizes(record, verdict.findings)],
    }
    return {
        section: [Figure(plot.title, draw(plot), plot.told) for plot in some if plot]
        for section, some in plots.items()
    }


def _items(record: Record, done: ScaleDone) -> Items:
    """What the batch says of the users of one scale, and what the downstream did; a dash where nobody could tell."""
    said, times = Counter[str](), Counter[str]()
    for chunk in record.chunks(f"items-{done.scale}"):
        said.update(chunk["said"])
    told = sum(said.values())
    for chunk in record.chunks(f"effects-{done.scale}"):
        times.update(chunk["item"])
    twice = sum(count > 1 for count in times.values())
    once, more = (len(times) - twice, twice) if record.has(f"effects-{done.scale}") else (None, None)
    numbers = [
        done.revivals,
        *((said["ok"], said["failed"], told - said["ok"] - said["failed"]) if told else (None,) * 3),
        max(0, done.users - told) if told else None,
        once,
        more,
    ]
    cells = [f"{done.users:,}", done.trigger or "none got through", f"{done.presses:,}"]
    return Items(done.scale, cells + ["–" if number is None else f"{number:,}" for number in numbers])


def _held(verdict: Verdict, manifest: Manifest) -> list[tuple[str, str]]:
    """Environment, seed and versions, a row each."""
    return [
        ("run", f"{manifest.run}, begun {manifest.started}"),
        ("seed", str(manifest.seed)),
        ("stage", f"{manifest.stage} ({manifest.stage_why})"),
        *(
            (service.name, f"{service.image}, memory limit {service.memory_limit / 2**20:,.0f} MiB")
            for service in manifest.services
        ),
        ("versions", ", ".join(f"{name} {version}" for name, version in manifest.versions.items())),
        ("machine", "; ".join(f"{name}: {fact}" for name, fact in manifest.machine.items())),
        *((name, str(number)) for name, number in verdict.measurements.items()),
    ]
