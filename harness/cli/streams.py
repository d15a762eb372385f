"""The terminal without secrets: whatever this process prints, a traceback too, has known values masked."""

from __future__ import annotations

import os
import sys
from typing import Any, BinaryIO, TextIO, cast

from harness.cli.screen import to_nowhere
from harness.model.redaction import SECRET_NAME, SECRETS


class Masked:
    """A stream as it is, but for known secrets in what is written to it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Writes the text, secrets masked. Where the reader has gone (`| head`), it is dropped."""
        try:
            return self._stream.write(SECRETS.mask(text))
        except BrokenPipeError:
            to_nowhere(self._stream)
            return len(text)

    def flush(self) -> None:
        """Writes out what is held back, or drops it where the reader has gone."""
        try:
            self._stream.flush()
        except BrokenPipeError:
            to_nowhere(self._stream)

    @property
    def buffer(self) -> MaskedBytes:
        """The same for bytes."""
        return MaskedBytes(self._stream.buffer)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class MaskedBytes:
    """The bytes below such a stream."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, data: bytes) -> int:
        """Writes the bytes, secrets masked."""
        return self._stream.write(SECRETS.mask_bytes(data))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def mask_streams() -> None:
    """From now on stdout and stderr are masked, and the secrets in this process's own environment are known."""
    SECRETS.add_named(os.environ, SECRET_NAME)
    sys.stdout = cast(TextIO, Masked(sys.stdout))
    sys.stderr = cast(TextIO, Masked(sys.stderr))
