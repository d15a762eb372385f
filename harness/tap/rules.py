"""Which exchanges a fault is played on, and for how long."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from .messages import Message


@dataclass
class Rule:
    """One fault that is on.

    every     only each n-th exchange that it could be played on
    skip      not the first n of them
    most      not more often than that; 0: no limit
    seconds   not longer than that; 0: until it is taken off
    items     only exchanges about one of these users, each once for `once`; empty: all
    methods   only requests of these methods; empty: all but GET, HEAD and OPTIONS
    options   the fault's own
    """

    fault: str
    every: int = 1
    skip: int = 0
    most: int = 0
    seconds: float = 0.0
    items: frozenset[str] = frozenset()
    once: bool = False
    methods: frozenset[str] = frozenset()
    options: dict[str, Any] = field(default_factory=dict)
    began: float = field(default_factory=monotonic)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    seen: int = 0
    hits: int = 0
    done: set[str] = field(default_factory=set)

    def meets(self, request: Message, items: list[str]) -> bool:
        """Whether the fault is to be played on this request; counts it if so."""
        if self.over.is_set() or (self.seconds and monotonic() - self.began > self.seconds):
            return False
        if (request.method not in self.methods) if self.methods else request.method in SAFE:
            return False
        if self.items and not self.items.intersection(items):
            return False
        if self.once and items and self.done.issuperset(items):
            return False
        self.seen += 1
        if self.seen <= self.skip or (self.seen - self.skip - 1) % self.every or (0 < self.most <= self.hits):
            return False
        self.hits += 1
        self.done.update(items)
        return True


SAFE = ("GET", "HEAD", "OPTIONS")
