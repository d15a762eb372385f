"""From bytes to people: how many users the scenario's real request carries before it meets an edge."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable

from msgspec.structs import replace

from harness.model.request import Request, Unit, measure
from harness.model.walls import InUsers, Wall

Build = Callable[[int], bytes]
"""The scenario's own request for its first n users, as it goes out on the wire (percent-encoded)."""
Press = Callable[[int], bool | None]
"""Presses the real trigger with the first n users; whether it got through (None: not seen)."""

UNITS: tuple[Unit, ...] = (
    "line",
    "target",
    "query",
    "path",
    "head",
    "text",
    "htx",
    "field",
    "value",
    "headers",
    "body",
)


def in_users(wall: Wall, build: Build, largest: int) -> InUsers:
    """The last number of users whose request is within the wall, and the next one; both are of 1..`largest`.

    A request only grows with its users, so the edge is found by halving; nothing is sent.
    """
    unit = next((unit for unit in UNITS if unit == wall.unit), None)
    if unit is None:
        return InUsers(last_passing=None, first_failing=None, note=f"a request has no size in {wall.unit}")

    def size(users: int) -> int:
        return measure(Request.of(build(users)), unit)

    last = bisect_right(range(1, largest + 1), wall.value, key=size)
    if last == largest:
        return InUsers(last_passing=largest, first_failing=None, note=f"not reached by {largest} users")
    if last == 0:
        return InUsers(last_passing=None, first_failing=1, note="not even one user gets through")
    return InUsers(last_passing=last, first_failing=last + 1)


def confirm(users: InUsers, press: Press) -> InUsers:
    """The same, confirmed by pressing the real trigger on both sides of the edge: at most two presses. The failing
    side comes first, since what is refused leaves nothing behind.

    It has side effects: for a stage that may have them, with containers fresh or reset for each press.
    """
    if users.last_passing is None or users.first_failing is None:
        return users
    above = press(users.first_failing)
    below = press(users.last_passing)
    if below is None or above is None:
        return replace(users, note="the real trigger was pressed, but what became of it could not be seen")
    if below and not above:
        return replace(users, confirmed=True)
    said = f"{users.last_passing} users {'got through' if below else 'did not'}, {users.first_failing} "
    said += "got through" if above else "did not"
    return replace(users, confirmed=False, note=f"pressed for real: {said}")
