"""The sentences around each bad verdict: code, weight, title, cause and advice."""

from __future__ import annotations

from msgspec import Struct

from harness.model.finding import Severity


class Kind(Struct, frozen=True):
    """A verdict on items that is a finding: its code, weight, and the sentences around it."""

    code: str
    severity: Severity
    title: str
    cause: str
    advice: str


PHANTOM = "phantom"
"""Not a verdict on an item: effects for items that nobody intended."""

KINDS: dict[str, Kind] = {
    "duplicated": Kind(
        "DUP-001",
        "critical",
        "{n:,} of {all:,} users are processed more than once",
        "the downstream takes the same item twice",
        "Send a key made once per item and stored before the call, and have the downstream refuse it twice.",
    ),
    PHANTOM: Kind(
        "DUP-002",
        "critical",
        "Effects for {n:,} users that nobody asked for",
        "the batch or the downstream acts on more than it was given",
        "Compare the ledger's keys with the list that was handed in.",
    ),
    "corrupted": Kind(
        "ITEM-005",
        "critical",
        "{n:,} of {all:,} users get something else than what was due",
        "what the downstream did differs from what the scenario expects: amount, step or content",
        "Compare the first of them along the way: what the batch read, what it sent, what was stored.",
    ),
    "falsely-ok": Kind(
        "LOST-001",
        "critical",
        "{n:,} of {all:,} users are called done, and it was not done",
        "the batch takes something else than the effect for success",
        "Mark an item done only after the downstream has confirmed that very item.",
    ),
    "half-done": Kind(
        "ITEM-004",
        "high",
        "{n:,} of {all:,} users are left half done",
        "an item takes several steps, and nothing takes the first back when a later one fails",
        "Make the steps one transaction, or store which were done and go on from there.",
    ),
    "lost": Kind(
        "LOST-002",
        "high",
        "{n:,} of {all:,} users were begun, with an unknown end",
        "the batch does not know what became of them, and the downstream has nothing",
        "Ask the downstream for each of them before Friday is called done.",
    ),
    "falsely-failed": Kind(
        "ITEM-002",
        "high",
        "{n:,} of {all:,} users are called failed, though it was done",
        "the downstream commits and then answers with an error, or too late",
        "Ask the downstream before sending such an item again: pressing again pays it twice.",
    ),
    "stuck": Kind(
        "ITEM-003",
        "high",
        "{n:,} of {all:,} users are still being processed at the end",
        "the batch was ended, or hangs, in the middle of an item",
        "Give each item a time-out, and treat items in this state as perhaps done.",
    ),
    "blocked": Kind(
        "ITEM-006",
        "medium",
        "{n:,} of {all:,} users are never begun",
        "the batch came to no end, however often the button was pressed",
        "See what stopped it: the users behind an item that stops are not at fault themselves.",
    ),
    "failed-clean": Kind(
        "ITEM-001",
        "medium",
        "{n:,} of {all:,} users fail ({share:.1%})",
        "these users are refused downstream, whatever their number: it is their data or their turn",
        "Find what they have in common before Friday; the failed ones were not paid and can be sent again.",
    ),
}
