"""The Friday payouts once more: its services come from a compose file, in one line.

Shows: `Service.from_compose` makes every service of the file one of the scenario. What a rehearsal does
otherwise than the file says stands in the report, under what was not checked. Needs a container engine.
"""

from __future__ import annotations

from harness import Service
from scenarios.friday_payouts import FridayPayouts


class FridayCompose(FridayPayouts):
    """The Friday payouts, as their compose file starts them."""

    stack = Service.from_compose("fixtures/friday/compose.yaml")
