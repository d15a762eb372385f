"""While services are attached, this process connects to their pinned addresses and to nothing else.

Python announces every connection before it is made; whatever is not on the list is stopped there, be it a redirect
that a library in the scenario follows, a name that now leads elsewhere, or a client that is configured for another
place. Commands that a scenario runs (`kubectl`) are processes of their own, and not behind the fence.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from harness.errors import Refused

_CONNECTS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_ASKS = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"})


class Fence:
    """What may be reached: addresses to connect to, names to ask for. `stopped` is what else was tried."""

    def __init__(self, addresses: Collection[str], names: Collection[str]) -> None:
        self._addresses, self._names = frozenset(addresses), frozenset(names) | frozenset(addresses)
        self.stopped: list[str] = []

    def check(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Raises Refused for a connection, or a question for a name, that is not allowed."""
        if event in _CONNECTS:
            address = arguments[1]
            if isinstance(address, tuple) and address and address[0] not in self._addresses:
                self._stop(f"{address[0]} port {address[1]}")
        elif event in _ASKS and arguments[0] is not None:
            name = arguments[0].decode() if isinstance(arguments[0], bytes) else str(arguments[0])
            if name.lower().rstrip(".") not in self._names:
                self._stop(name)

    def _stop(self, where: str) -> None:
        self.stopped.append(where)
        self.tell()

    def tell(self) -> None:
        """Raises Refused where something was stopped: the scenario's own code may have taken no notice."""
        if self.stopped:
            raise Refused(
                f"the scenario tried to reach {self.stopped[0]}, which is not allowed",
                expected=f"one of {', '.join(sorted(self._addresses))} and nothing else",
                cause="its own code, or a library that follows a redirect",
                fix="add the host to the scenario's allow, if it may be rehearsed on",
            )


_standing: list[Fence] = []
_lock = threading.Lock()
_watching = False


def _announced(event: str, arguments: tuple[Any, ...]) -> None:
    if event.startswith("socket.") and _standing:
        _standing[-1].check(event, arguments)


@contextmanager
def fenced(fence: Fence) -> Iterator[Fence]:
    """Holds the fence up while the `with` lasts."""
    global _watching
    with _lock:
        if not _watching:
            sys.addaudithook(_announced)  # never comes off: it does nothing while no fence stands
            _watching = True
        _standing.append(fence)
    try:
        yield fence
    finally:
        with _lock:
            _standing.remove(fence)
        fence.tell()  # before any other trouble: that something was to be reached weighs most
