"""A baseline as a file: what was accepted, with a schema version and a sum over it, so that damage is seen."""

from __future__ import annotations

import hashlib

import msgspec
from msgspec import Struct

from harness.errors import CannotTell
from harness.measures.side import Side
from harness.model.redaction import SECRETS

SCHEMA = "1"
MOST_BYTES = 16 * 2**20


class _File(Struct, frozen=True):
    schema: str
    sha256: str
    body: msgspec.Raw


def encode(side: Side) -> bytes:
    """The file's content."""
    body = SECRETS.mask_bytes(msgspec.json.encode(side))
    file = _File(SCHEMA, hashlib.sha256(body).hexdigest(), msgspec.Raw(body))
    return msgspec.json.encode(file) + b"\n"


def decode(content: bytes, name: str) -> Side:
    """The side in a file of that content. Raises CannotTell for whatever is not whole and of this version."""
    try:
        if len(content) > MOST_BYTES:
            raise ValueError(f"it is larger than {MOST_BYTES:,} bytes")
        file = msgspec.json.decode(content, type=_File)
        if file.schema != SCHEMA:
            raise ValueError(f"its schema is {file.schema!r}, and this version reads {SCHEMA!r}")
        if hashlib.sha256(bytes(file.body)).hexdigest() != file.sha256:
            raise ValueError("its content is not what its sha256 says")
        return msgspec.json.decode(bytes(file.body), type=Side)
    except (ValueError, RecursionError) as problem:
        raise CannotTell(
            f"{name} is no baseline that can be read: {problem}",
            expected="the file that `rehearse baseline accept` wrote, unchanged",
            cause="it was cut off, edited or merged by hand",
            fix="take it from version control again, or accept a run anew with --replace",
        ) from problem
