"""Words that tell of a failure, and nothing of what to do about it."""

from __future__ import annotations

import re

USELESS = re.compile(
    r"^\W*((http )?(status )?5\d\d|internal( server)? error|error|failed|failure|unknown)?\W*$", re.I
)
