"""The harness's end of a tap: faults on and off, and its journal as it grows."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterable
from typing import Any

TIMEOUT = 30.0
ITEMS_A_LINE = 20_000


class TapGone(Exception):
    """The tap does not answer, or not as it should: what went through it since is not known."""


class Remote:
    """One tap, by the address of its control port and its secret word."""

    def __init__(self, service: str, address: tuple[str, int], word: str) -> None:
        self.service, self._address, self._word = service, address, word
        self._offset = 0
        self._stream: Any = None
        self._lock = threading.Lock()  # one listens to the journal while another turns faults on

    def recognise(self, items: Iterable[str]) -> None:
        """Has the journal name these users where they stand in a request."""
        ids = list(items)
        for first in range(0, len(ids), ITEMS_A_LINE):
            self._ask("items", items=ids[first : first + ITEMS_A_LINE])

    def play(self, fault: str, **rule: Any) -> None:
        """Turns a fault on; `rule` as in rules.Rule. Other faults stay on, and the first that meets counts."""
        self._ask("fault", fault=fault, **rule)

    def clear(self) -> int:
        """Turns all faults off; how often they were played."""
        return sum(int(one["hits"]) for one in self._ask("clear")["played"])

    def hits(self) -> int:
        """How often the faults that are on have been played so far."""
        return int(self.state()["hits"])

    def state(self) -> dict[str, Any]:
        """Connections, exchanges, hits, and the tap's own problems."""
        return self._ask("state")

    def exchanges(self) -> list[dict[str, Any]]:
        """The exchanges that are new since the last call."""
        found: list[dict[str, Any]] = []
        while True:
            told = self._ask("journal", offset=self._offset)
            found += map(json.loads, told["text"].splitlines())
            if told["offset"] == self._offset:
                return found
            self._offset = told["offset"]

    def close(self) -> None:
        """Hangs up."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _ask(self, do: str, **given: Any) -> dict[str, Any]:
        with self._lock:
            told = self._said(do, given)
        if "problem" in told:
            raise TapGone(f"the tap before {self.service}: {told['problem']}")
        return told

    def _said(self, do: str, given: dict[str, Any]) -> dict[str, Any]:
        try:
            if self._stream is None:
                with socket.create_connection(self._address, timeout=TIMEOUT) as channel:
                    self._stream = channel.makefile("rwb")
            self._stream.write(json.dumps({"word": self._word, "do": do, **given}).encode() + b"\n")
            self._stream.flush()
            told: dict[str, Any] = json.loads(self._stream.readline())
            return told
        except (OSError, ValueError) as problem:
            self.close()
            raise TapGone(f"the tap before {self.service} does not answer: {problem}") from problem
