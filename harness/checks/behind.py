"""What the obvious fix of a wall runs into next, tried or else from the catalogue. Words for a check, no check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.model.limits import Limit, catalogue
from harness.model.walls import Wall

SILENT = "Compare what arrived with what was sent, at the sender, before it counts as done."
UNTRIED = "; no trigger here tries it"
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
    way_out = _way_out(carried, wall)
    for way, kinds in NEXT[wall.kind]:
        met = _tried(kinds, wall, others) or _known(kinds, wall, ("" if way_out else UNTRIED))
        rows += [f"{way} it {met}"] if met else []
    if way_out:
        rows.append(way_out)
    elif wall.kind in ("line", "fields"):
        rows.append(f"JSON in chunks of 500 meets none of these{UNTRIED}.")
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


def _tried(kinds: tuple[str, ...], wall: Wall, others: Sequence[Wall]) -> str:
    """What another trigger of this rehearsal met on that way."""
    for other in others:
        if other.kind in kinds and other.trigger and other.trigger != wall.trigger:
            name = other.where.software or other.where.hop or other.service
            users = other.users.first_failing if other.users else None
            at = f" at {users:,} users" if users else ""
            size = SIZES.get(other.unit, "bytes")
            return f"meets {name}'s {other.value:,} {size} next{at}: {other.trigger!r} was tried."
    return ""


def _known(kinds: tuple[str, ...], wall: Wall, untried: str) -> str:
    """What the servers on this wall's way are known for: the least limit of these kinds of each."""
    least: dict[str, Limit] = {}
    for limit in catalogue():
        if limit.software in wall.chain and limit.kind in kinds and limit.value and limit.measured_on:
            before = least.get(limit.software)
            least[limit.software] = min(before or limit, limit, key=lambda one: one.value or 0)
    own = {wall.where.software} if wall.kind in kinds else set()
    met = [least[name] for name in wall.chain if name in least and name not in own]
    if met:
        said = " and ".join(
            f"{one.software}'s {one.value:,} {SIZES.get(one.kind, 'bytes of body')}" for one in met
        )
        return f"meets {said} next, as they are known{untried}."
    return f"often meets a limit of 1,000 next ({_usual()})." if kinds == COUNTS else ""


def _way_out(carried: Mapping[str, int], wall: Wall) -> str:
    """The other trigger that has been seen to carry the most users, if those are more than the wall lets through."""
    least = (wall.users.first_failing if wall.users else None) or 0
    others = {name: users for name, users in carried.items() if name != wall.trigger and users >= least}
    if not others:
        return ""
    best = max(others, key=lambda trigger: others[trigger])
    return f"In this rehearsal {best!r} carried {others[best]:,} users."


def _usual() -> str:
    known = {
        limit.software.split(" ")[0]
        for limit in catalogue()
        if limit.kind == "fields" and limit.value == 1000 and limit.measured_on
    }
    return ", ".join(sorted(known)[:6])
