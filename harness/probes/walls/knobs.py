"""What is varied: one number n, and the exact request for it.

Each knob can also `pad`: put bytes into the other part of the head, so that a limit on one part can be told
from a limit on the whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from msgspec.structs import replace

from harness.model.request import Request, Unit
from harness.model.walls import WallKind

HARMLESS = "/__rehearsal__/nothing-here"
PADDING = "X-Rehearsal"
EXPECT = ("Expect", "100-continue")


class Knob(Protocol):
    """One number to vary. `units` are those in which a limit may count what is varied, its own the first."""

    @property
    def kind(self) -> WallKind:
        """The kind of wall it finds."""

    @property
    def units(self) -> tuple[Unit, ...]:
        """Every unit in which n counts one for one."""

    @property
    def smallest(self) -> int:
        """The least n that can be built."""

    def request(self, n: int, pad: int = 0) -> Request:
        """The request whose varied part is exactly n, with `pad` bytes more elsewhere in the head."""


def template(host: str, headers: tuple[tuple[str, str], ...] = (), path: str = HARMLESS) -> Request:
    """A small GET that harms nothing. `headers` are those of the real trigger (cookies!): they count too."""
    own = [
        (name, value) for name, value in headers if name.lower() not in ("host", "content-length", "expect")
    ]
    return Request("GET", path, (("Host", host), *own, (PADDING, "r")))


def _padded(request: Request, pad: int) -> Request:
    headers = tuple(
        (name, value + "r" * pad if name == PADDING else value) for name, value in request.headers
    )
    return replace(request, headers=headers)


def _query(request: Request, size: int) -> Request:
    """An ignored parameter of `size` bytes, its separator included."""
    separator = "&" if "?" in request.target else "?"
    return replace(
        request,
        target=request.target + f"{separator}p={'a' * size}"[: max(3, size)] if size else request.target,
    )


@dataclass(frozen=True)
class Line:
    """n is the length of the request line without CRLF (bytes); an ignored parameter makes it longer."""

    base: Request
    kind: Literal["line"] = "line"
    units: tuple[Unit, ...] = ("line", "target", "query", "head", "text", "htx")

    @property
    def smallest(self) -> int:
        """The template's line and an empty parameter."""
        return len(self.base.line()) + 3

    def request(self, n: int, pad: int = 0) -> Request:
        """A line of n bytes; `pad` lengthens a header."""
        return _padded(_query(self.base, n - len(self.base.line())), pad)

    def stretched(self, n: int, by: int) -> Request:
        """A line of n + by bytes in which the path is `by` longer and the query as in `request(n)`."""
        path, mark, query = self.request(n).target.partition("?")
        return replace(self.request(n), target=path + "p" * by + mark + query)


@dataclass(frozen=True)
class Field:
    """n is the length of one header's value (bytes)."""

    base: Request
    kind: Literal["header"] = "header"
    units: tuple[Unit, ...] = ("field", "value", "head", "text", "htx")
    smallest: int = 1

    def request(self, n: int, pad: int = 0) -> Request:
        """A header with a value of n bytes; `pad` lengthens the line."""
        return _query(_padded(self.base, n - 1), pad)


@dataclass(frozen=True)
class Count:
    """n is how many headers there are."""

    base: Request
    kind: Literal["headers"] = "headers"
    units: tuple[Unit, ...] = ("headers",)

    @property
    def smallest(self) -> int:
        """As many as the template has."""
        return len(self.base.headers)

    def request(self, n: int, pad: int = 0) -> Request:
        """n headers, the added ones as short as they can be; `pad` lengthens the line."""
        more = tuple((f"h{index}", "1") for index in range(n - len(self.base.headers)))
        return _query(replace(self.base, headers=(*self.base.headers, *more)), pad)


@dataclass(frozen=True)
class Body:
    """n is the length of a body (bytes) that is declared and never sent: it finds what is decided from the head.

    With `Expect: 100-continue`, or without: waitress says 100 first and refuses only who does not ask.
    """

    base: Request
    expect: bool = True
    kind: Literal["body"] = "body"
    units: tuple[Unit, ...] = ("body",)
    smallest: int = 1

    def request(self, n: int, pad: int = 0) -> Request:
        """A POST that declares n bytes of body. `pad` is for heads and has no use here."""
        headers = (*self.base.headers, EXPECT) if self.expect else self.base.headers
        return replace(self.base, method="POST", headers=headers, declared=n)
