"""A pytest file for each cause: it fails as long as the cause is there."""

from __future__ import annotations

import pprint
import re

from harness.model.causes import CARD, CauseFound
from harness.model.record import Record
from harness.report.text import inert

TEMPLATE = '''"""{title}

Written by a rehearsal of {place}. It fails as long as this cause is there, and passes once it is mended.
Run it from the project's folder: pytest {path}
"""

from harness.replaying import outcome_of

SCENARIO = {source!r}
PASSES = {passes}
FAILS = {fails}


def test_{name}() -> None:
    """{sentence}."""
    assert outcome_of(SCENARIO, PASSES, stage={stage!r}, seed={seed}) == "ok"
    assert outcome_of(SCENARIO, FAILS, stage={stage!r}, seed={seed}) == "ok"
'''


def files_of(record: Record) -> dict[str, str]:
    """The files by path below the run's folder, for every cause that lies in the users' data."""
    return {
        event.test: _file(event, record) for event in record.all(CauseFound) if event.cause.about == "data"
    }


def _file(event: CauseFound, record: Record) -> str:
    cause, manifest = event.cause, record.manifest
    words = re.sub(r"\W+", "_", cause.sentence.removesuffix(" fail")).strip("_").lower()
    return TEMPLATE.format(
        title=_quiet(f"{CARD}: {cause.sentence}"),
        path=_quiet(f"{record.place}/{event.test}"),
        place=_quiet(manifest.source),
        source=manifest.source,
        passes=pprint.pformat(cause.passing, sort_dicts=False),
        fails=pprint.pformat(cause.smallest or cause.example, sort_dicts=False),
        name=f"{words.encode('ascii', 'ignore').decode()}_pass",
        sentence=_quiet(cause.sentence),
        stage=manifest.stage,
        seed=manifest.seed,
    )


def _quiet(text: str) -> str:
    """Text that cannot end a docstring, and that Python can read."""
    return " ".join(inert(text).split()).replace("\\", "/").replace('"', "'")
