"""The planted anomalies: for each kind, what the batch says of a user and what the downstream did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.model.scenario import Effect, Said

Story = Callable[[str], tuple[Said | None, list[Effect]]]


def due(user: str) -> list[Effect]:
    """What every user shall get: a debit and a credit of their own amount."""
    amount = f"{int(user) % 900 + 1}.50"
    return [Effect(user, amount, "debit", f"iban-{user}"), Effect(user, amount, "credit", f"iban-{user}")]


@dataclass(frozen=True)
class Plant:
    """One kind: the verdict it must get, and how it comes about."""

    verdict: str
    story: Story


def _first(user: str) -> list[Effect]:
    return due(user)[:1]


def _other(user: str, **change: str) -> list[Effect]:
    debit, credit = due(user)
    row = {"amount": credit.amount, "step": credit.step, "content": credit.content} | change
    return [debit, Effect(user, **row)]


PLANTS = {
    "clean": Plant("done-once", lambda user: ("ok", due(user))),
    "refused": Plant("failed-clean", lambda user: ("failed", [])),
    "commit then 500": Plant("falsely-failed", lambda user: ("failed", due(user))),
    "200 without commit": Plant("falsely-ok", lambda user: ("ok", [])),
    "half, called done": Plant("falsely-ok", lambda user: ("ok", _first(user))),
    "half, called failed": Plant("half-done", lambda user: ("failed", _first(user))),
    "half, then silence": Plant("half-done", lambda user: ("unknown", _first(user))),
    "late after timeout": Plant("recovered", lambda user: ("unknown", due(user))),
    "gone after timeout": Plant("lost", lambda user: ("unknown", [])),
    "never begun": Plant("blocked", lambda user: (None, [])),
    "hangs": Plant("stuck", lambda user: ("running", [])),
    "hangs after commit": Plant("stuck", lambda user: ("running", due(user))),
    "twice": Plant("duplicated", lambda user: ("ok", due(user) * 2)),
    "twice, called failed": Plant("duplicated", lambda user: ("failed", [*due(user), *_first(user)])),
    "wrong amount": Plant("corrupted", lambda user: ("ok", _other(user, amount="0.01"))),
    "wrong account": Plant("corrupted", lambda user: ("ok", _other(user, content="somebody else"))),
    "wrong step": Plant("corrupted", lambda user: ("failed", _other(user, step="refund"))),
}
"""Phantoms are planted beside these: they belong to no user."""
