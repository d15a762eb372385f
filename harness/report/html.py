"""The verdict as one offline HTML file: no script, nothing fetched, every text escaped."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files

from jinja2 import Environment

from harness.model.finding import Verdict
from harness.model.record import Record
from harness.report.ladder import ladder
from harness.report.text import WORD, breaks, inert, sentence


def render(verdict: Verdict, record: Record) -> str:
    """The whole page."""
    here = files("harness.report")
    style = here.joinpath("report.css").read_text()
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, finalize=_harmless)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return environment.from_string(here.joinpath("report.html.j2").read_text()).render(
        verdict=verdict,
        manifest=record.manifest,
        word=WORD[verdict.verdict],
        sentence=sentence(verdict, record.manifest),
        ladder=ladder(record),
        breaks=breaks,
        style=style,
        style_hash=digest,
    )


def _harmless(value: object) -> object:
    return inert(value) if type(value) is str else value
