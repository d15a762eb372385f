"""How the harness speaks to the tap: one JSON object a line, one line back. Every line carries the secret word that
the tap was started with, because what is rehearsed can reach this port too.

    {"do": "items", "items": [...]}                       more ids to be recognised
    {"do": "fault", "fault": "delay", "every": 3, ...}    turn a fault on (see rules.Rule)
    {"do": "clear"}                                       all faults off; how often each was played
    {"do": "journal", "offset": 0}                        whole lines from there on
    {"do": "state"}                                       connections, exchanges, hits, problems
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from .rules import Rule
from .tee import Tee

LINE_AT_MOST = 8 * 2**20
SETS = ("items", "methods")


class Control:
    """Answers the harness."""

    def __init__(self, tee: Tee, word: str) -> None:
        self._tee, self._word = tee, word

    async def serve(self, host: str, port: int) -> int:
        """Listens; returns the port."""
        server = await asyncio.start_server(self._talk, host, port, limit=LINE_AT_MOST)
        return int(server.sockets[0].getsockname()[1])

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(json.dumps(await self._answer(line)).encode() + b"\n")
                await writer.drain()
        except (OSError, ValueError):
            pass  # the harness has gone, or somebody else spoke: nobody to tell
        finally:
            writer.close()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        asked = json.loads(line)
        if asked.pop("word", "") != self._word:
            return {"problem": "the wrong word"}
        try:
            return await self._do(asked.pop("do"), asked)
        except (ValueError, TypeError, KeyError) as problem:
            return {"problem": f"{type(problem).__name__}: {problem}"}

    async def _do(self, what: str, given: dict[str, Any]) -> dict[str, Any]:
        tee = self._tee
        if what == "items":
            tee.journal.items.update(item.encode() for item in given["items"])
        elif what == "fault":
            rule: dict[str, Any] = {name: frozenset(v) if name in SETS else v for name, v in given.items()}
            await tee.begin(Rule(**rule))
        elif what == "clear":
            return {"played": await tee.end()}
        elif what == "journal":
            text, offset = tee.journal.since(given["offset"])
            return {"text": text, "offset": offset}
        elif what != "state":
            raise ValueError(f"nobody knows how to {what!r}")
        return {
            "connections": tee.connections,
            "exchanges": tee.journal.count,
            "left_out": tee.journal.left_out,
            "hits": sum(rule.hits for rule in tee.rules),
            "problems": tee.problems,
        }
