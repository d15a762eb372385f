"""What the obvious fix of a wall runs into next, measured or else from the catalogue. Words for a check, no check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.model.limits import catalogue
from harness.model.walls import Wall

SILENT = "Compare what arrived with what was sent, at the sender, before it counts as done."
RAISED = "Or raise {key} on {place}, and ask again: the next hop's limit then shows."
FIXES = {
    "line": "Send the users in the body of a POST.",
    "header": "Move what grows out of the header into the body.",
    "headers": "Put the values into one header, or into the body.",
    "body": "Send chunks.",
    "form_bytes": "Send chunks, or JSON if the framework reads that without this limit.",
    "fields": "Send one field with all ids, or one JSON list, or chunks below the limit.",
    "parts": "Send one part with all ids (a file or a JSON list), or chunks below the limit.",
    "nesting": "Send a flat list.",
}


def advice(wall: Wall, others: Sequence[Wall], carried: Mapping[str, int]) -> str:
    """What to do about `wall`, what that meets next (`others`, the catalogue), and which trigger got through."""
    rows = [FIXES[wall.kind]]
    if wall.kind == "line":
        rows.append(_form_next(others))
    if wall.refusal.how == "lost":
        rows.append(SILENT)
    if wall.soft:
        rows.append("Do not trust a test on one machine: how the packets arrive decides.")
    key, place = wall.where.config_key, wall.where.hop or wall.service
    if key and not key.startswith("fixed"):
        rows.append(RAISED.format(key=key, place=place))
    if wall.farther:
        rows.append(f"Behind it {' and '.join(wall.farther)} refused larger sizes already.")
    if carried:
        best = max(carried, key=lambda trigger: carried[trigger])
        if best != wall.trigger:
            rows.append(f"In this rehearsal {best!r} carried {carried[best]:,} users.")
    return " ".join(rows)


def _form_next(others: Sequence[Wall]) -> str:
    """The wall that a form of one field for each user meets."""
    for wall in others:
        if wall.kind in ("fields", "parts", "form_bytes"):
            name = wall.where.software or wall.service
            return (
                f"A form meets {name}'s {wall.value:,} {wall.unit} next (measured); JSON in chunks does not."
            )
    known = [
        limit for limit in catalogue() if limit.kind == "fields" and limit.value == 1000 and limit.measured_on
    ]
    names = ", ".join(sorted({limit.software.split(" ")[0] for limit in known})[:6])
    return f"As a form, 1000 fields are often the next wall ({names}); JSON in chunks of 500 is not."
