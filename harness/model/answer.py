"""What one request on the wire got back, status and connection alike."""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.model.exchange import Fate, first


@dataclass(slots=True)
class Answer:
    """What came back: status None means that no status line was read; `body` holds the first 64 KiB.

    fate        what became of the connection, see `harness.model.exchange.Fate`
    complete    the answer ended where its framing says that it ends
    continued   the other side wrote 100 Continue
    port        our own port of the connection (joins with access logs), 0 where none was made
    at          seconds since 1970 at which we began to send (joins with access logs; never a duration)
    seconds     from the connection attempt to the last byte read
    sent        bytes of the request handed to the kernel
    """

    status: int | None = None
    reason: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    body_length: int = 0
    sha256: str = ""
    fate: Fate = "kept"
    error: str = ""
    seconds: float = 0.0
    sent: int = 0
    complete: bool = False
    continued: bool = False
    port: int = 0
    at: float = 0.0

    def header(self, name: str) -> str:
        """The first header of that name, or an empty string."""
        return first(self.headers, name)

    @property
    def text(self) -> str:
        """The kept head of the body as text; bytes that are no UTF-8 are replaced."""
        return self.body.decode("utf-8", "replace")
