"""Lines of the record: each carries a sum over itself, so that one that was damaged is not believed.

    {"event":"not_seen","t":1.5,"probe":"edges","why":"...","crc":"9a3c01ff"}

A line without a sum was written by an earlier version, and is taken as it is.
"""

from __future__ import annotations

import re
from zlib import crc32

_SEAL = re.compile(rb',"crc":"([0-9a-f]{8})"\}$')


def sealed(document: bytes) -> bytes:
    """A JSON object as a line of its own, with its sum as the last field."""
    return b'%b,"crc":"%08x"}\n' % (document[:-1], crc32(document))


def opened(line: bytes) -> bytes | None:
    """The JSON object of a line; None where it is not what was written."""
    line = line.rstrip(b"\n")
    seal = _SEAL.search(line)
    if seal is None:
        return None if b'"crc":' in line else line
    document = line[: seal.start()] + b"}"
    return document if crc32(document) == int(seal[1], 16) else None


def how_many(damaged: bytes) -> int:
    """How many lines a damaged one was: where a line break is lost, two become one."""
    return max(1, damaged.count(b',"crc":"'))
