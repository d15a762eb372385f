"""What the obvious fix of a wall runs into next, tried or else from the catalogue. Words for a check, no check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.model.limits import Limit, catalogue
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
    "files": "Send one file with all of them, or chunks below the limit.",
    "upload": "Send several smaller files, or chunks.",
    "nesting": "Send a flat list.",
}
COUNTS, BYTES, PART = ("fields",), ("form_bytes", "body"), ("file_bytes", "parts_bytes", "upload")
NEXT: Mapping[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "line": (("As a form of one field a user", COUNTS), ("As one body", BYTES)),
    "header": (("In one body", BYTES),),
    "headers": (("In one body", BYTES),),
    "body": (("Larger", BYTES),),
    "form_bytes": (("As JSON", ("body",)),),
    "fields": (("As one field or list", BYTES),),
    "parts": (("As one part", (*PART, *BYTES)),),
    "files": (("As one file", (*PART, *BYTES)),),
    "upload": (("As several files", ("files", "parts")),),
    "nesting": (("As a flat form", COUNTS), ("As a flat list", BYTES)),
}
"""For each kind of wall its ways out, and the kinds of limit which those meet next."""
SIZES = {"fields": "fields", "parts": "parts", "files": "files", "file_bytes": "bytes of one file"}


def advice(wall: Wall, others: Sequence[Wall], carried: Mapping[str, int]) -> str:
    """What to do about `wall`, what that meets next (`others`, the catalogue), and which trigger got through."""
    rows = [FIXES[wall.kind]]
    rows += [text for way, kinds in NEXT[wall.kind] if (text := _next(way, kinds, wall, others))]
    rows += _carried(carried, wall)
    if wall.kind in ("body", "form_bytes"):
        rows.append("Each chunk is a request: a limit by rate comes next.")
    if wall.refusal.how == "lost":
        rows.append(SILENT)
    if wall.soft:
        rows.append("Do not trust a test on one machine: how the packets arrive decides.")
    key, place = wall.where.config_key, wall.where.hop or wall.service
    if key and not key.startswith("fixed"):
        rows.append(RAISED.format(key=key, place=place))
    if wall.farther:
        rows.append(f"Behind it {' and '.join(wall.farther)} refused larger sizes already.")
    return " ".join(rows)


def _next(way: str, kinds: tuple[str, ...], wall: Wall, others: Sequence[Wall]) -> str:
    """What a way out meets: another trigger's wall that was found here, else what the servers are known for."""
    for other in others:
        if other.kind in kinds and other.trigger and other.trigger != wall.trigger:
            name = other.where.software or other.where.hop or other.service
            at = (
                f" at {other.users.first_failing:,} users"
                if other.users and other.users.first_failing
                else ""
            )
            met = f"{name}'s {other.value:,} {_unit(other.unit)} next{at}"
            return f"{way} it meets {met}: {other.trigger!r} was tried."
    known = _known(wall, kinds)
    if known:
        said = " and ".join(f"{limit.software}'s {limit.value:,} {_size(limit)}" for limit in known)
        return f"{way} it meets {said} next, as they are known; no trigger here tries it."
    if kinds == COUNTS:
        return f"{way} it often meets a limit of 1,000 next ({_usual()})."
    return ""


def _known(wall: Wall, kinds: tuple[str, ...]) -> list[Limit]:
    """The least limit of these kinds of each server on this wall's way, as far as they are known."""
    least: dict[str, Limit] = {}
    for limit in catalogue():
        if limit.software in wall.chain and limit.kind in kinds and limit.value and limit.measured_on:
            before = least.get(limit.software)
            least[limit.software] = min(before or limit, limit, key=lambda one: one.value or 0)
    own = {wall.where.software} if wall.kind in kinds else set()
    return [least[name] for name in wall.chain if name in least and name not in own]


def _carried(carried: Mapping[str, int], wall: Wall) -> list[str]:
    """The way that has been seen to get through; else, where a list would, that nobody has tried it."""
    least = (wall.users.first_failing if wall.users else None) or 0
    others = {
        trigger: users for trigger, users in carried.items() if trigger != wall.trigger and users >= least
    }
    if others:
        best = max(others, key=lambda trigger: others[trigger])
        return [f"In this rehearsal {best!r} carried {others[best]:,} users."]
    if wall.kind in ("line", "fields"):
        return ["JSON in chunks of 500 meets none of these; no trigger here tries it."]
    return []


def _usual() -> str:
    known = {
        limit.software.split(" ")[0]
        for limit in catalogue()
        if limit.kind == "fields" and limit.value == 1000 and limit.measured_on
    }
    return ", ".join(sorted(known)[:6])


def _unit(unit: str) -> str:
    return SIZES.get(unit, "bytes")


def _size(limit: Limit) -> str:
    return SIZES.get(limit.kind, "bytes of body")
