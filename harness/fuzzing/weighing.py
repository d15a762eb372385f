"""The checker's word on a handful of users, without a record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.checks.ledger import Account, balance
from harness.model.people import SyntheticUser
from harness.model.scenario import Effect, Outcome, Scenario
from harness.model.tables import Pages
from harness.probes.items import write_effects, write_expected, write_outcomes


def weigh(
    scenario: Scenario, users: Sequence[SyntheticUser], said: Iterable[Outcome], done: Iterable[Effect]
) -> Account:
    """Each user's verdict, balanced as a rehearsal would balance it."""
    pages = Pages()
    pages.rows("intended", item=[user.id for user in users])
    write_expected(scenario.expected, users, pages)
    write_outcomes(list(said), pages, "items")
    write_effects(list(done), pages, "effects")
    account = balance(pages, len(users), "items", "effects")
    assert account is not None, "both tables were just written"
    return account
