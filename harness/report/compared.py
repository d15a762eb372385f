"""What moved since the baseline, as the reports tell it: `comparison.json` beside the record, if there is one."""

from __future__ import annotations

import msgspec

from harness.errors import UsageError
from harness.measures.compare import Change, Comparison
from harness.model.record import Record

NAME = "comparison.json"
COLUMNS = ("", "measure", "before", "after", "change", "tolerance", "p", "repeats")


def comparison(record: Record) -> Comparison | None:
    """The comparison that was made when this record was judged last."""
    path = record.folder / NAME
    if not path.exists():
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=Comparison)
    except (OSError, msgspec.DecodeError) as problem:
        raise UsageError(
            f"{path} cannot be read: {problem}",
            expected="the comparison that `rehearse judge` wrote there",
            cause="it was cut off, or edited by hand",
            fix="judge the run again with --baseline, or remove the file",
        ) from problem


def cells(change: Change) -> list[str]:
    """One measure as a row below COLUMNS."""

    def number(value: float | None, form: str) -> str:
        return "" if value is None else format(value, form)

    return [
        change.word,
        change.name,
        number(change.before, ",.4g"),
        number(change.after, ",.4g"),
        number(change.change, "+.1%"),
        number(change.tolerance, ".1%"),
        "observation" if change.p is None and change.word in ("worse", "better") else number(change.p, ".3f"),
        f"{change.repeats[0]} and {change.repeats[1]}",
    ]


def told(found: Comparison) -> str:
    """The comparison in a few words."""
    worse = sum(change.word == "worse" for change in found.changes) + len(found.new)
    return f"{worse} worse" if worse else "not all was measured again" if found.blind else "nothing is worse"
