"""Load beside the button: what the payouts service can take by itself, and whom the batch harms while it runs.

Shows: the batch's own calls played against their service alone, at 1x to 10x of the batch's concurrency, and other
people at the login page meanwhile. Needs the extra `load`; docs/load.md tells more.
"""

from __future__ import annotations

from harness import Load
from scenarios.friday_healthy import FridayHealthy


class FridayUnderLoad(FridayHealthy):
    """The Friday payouts as they should be, with people who log in while they run."""

    scales = (1,)
    payouts, batch = FridayHealthy.payouts, FridayHealthy.batch

    downstream = Load(
        payouts,
        "POST",
        "/payouts",
        json={"item": "{id}", "name": "{name}", "iban": "{iban}", "amount": "{amount}"},
        concurrency=2,
    )
    background = Load(batch, "GET", "/login", arrival="open", rate=10)
