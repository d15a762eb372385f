"""The control: the same system with every defect switched off. A rehearsal of it must say READY.

Shows: a variant of another scenario, made by replacing the environment of its services.
"""

from __future__ import annotations

from scenarios.friday_payouts import FridayPayouts


class FridayHealthy(FridayPayouts):
    """The Friday payouts as they should be."""

    payouts = FridayPayouts.payouts.with_env(
        PAYOUTS_LEAK_BYTES="0", PAYOUTS_REJECTS="none", PAYOUTS_IDEMPOTENT="yes"
    )
    batch = FridayPayouts.batch.with_env(
        GUNICORN_CMD_ARGS="--limit-request-line 0",
        BATCH_MAX_FIELDS="20000",
        BATCH_ON_FAILURE="skip",
        BATCH_ON_RERUN="retry",
        BATCH_AFTER_KILL="again",
    )
    front = FridayPayouts.front.with_env(FRONT_HEADER_BUFFERS="4 128k")
