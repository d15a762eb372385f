"""Lines of the record, and run.json: each carries a sum over itself, so that what was damaged is not believed.

    {"event":"not_seen","t":1.5,"probe":"edges","why":"...","crc":"9a3c01ff"}

A file without sums was written by an earlier version, and is taken as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from zlib import crc32

import msgspec

PEEK = 8
"""By so many lines it is told whether a file has sums: one of them may be damaged."""
_MARK = b',"crc":"'
_SEAL = re.compile(rb',"crc":"([0-9a-f]{8})"\}$')


def sealed(document: bytes) -> bytes:
    """A JSON object as a line of its own, with its sum as the last field."""
    return b'%b,"crc":"%08x"}\n' % (document[:-1], crc32(document))


def signed(document: bytes) -> bytes:
    """A JSON object on many lines, with its sum as the last field."""
    return msgspec.json.format(sealed(document), indent=2)


def checked(text: bytes) -> bytes:
    """The JSON object of such a file, without its sum. Raises DecodeError where it is not what was written."""
    fields = msgspec.json.decode(text)
    if not isinstance(fields, dict) or "crc" not in fields:
        return text
    told = fields.pop("crc")
    document = msgspec.json.encode(fields)
    if told != f"{crc32(document):08x}":
        raise msgspec.DecodeError("it is not what was written: its sum is another one")
    return document


def documents(lines: Iterable[bytes]) -> Iterator[tuple[bytes, bytes | None]]:
    """Each line with its JSON object; None where that is not what was written."""
    rest = iter(lines)
    first = list(islice(rest, PEEK))
    has_sums = any(_MARK in line for line in first)
    for line in chain(first, rest):
        yield line, _opened(line.rstrip(b"\n")) if has_sums else line


def _opened(line: bytes) -> bytes | None:
    seal = _SEAL.search(line)
    if seal is None:
        return None
    document = line[: seal.start()] + b"}"
    return document if crc32(document) == int(seal[1], 16) else None


def how_many(damaged: bytes) -> int:
    """How many lines a damaged one was: where a line break is lost, two become one."""
    return max(1, damaged.count(_MARK), damaged.count(b'{"event":"'))
