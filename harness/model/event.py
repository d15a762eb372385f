"""What the journal is made of."""

from __future__ import annotations

from msgspec import Struct


class Event(Struct, frozen=True, kw_only=True, tag_field="event"):
    """Something that happened, `t` seconds after the rehearsal began."""

    t: float = 0.0
