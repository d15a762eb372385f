"""A batch that a queue starts: a message for each person on Debian's Redis, and a Celery worker that pays them.

Shows: `Redis(live.broker).call(...)` as a trigger, and Celery's results as what the batch says. The worker
acknowledges early, with PAY_ACKS=late late. Killed at work, the one loses people, and the other pays them twice.
Needs redis-server and `pip install rehearse[queue]`, or a container engine.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from harness import (
    Build,
    Effect,
    Healthcheck,
    Live,
    Outcome,
    Process,
    Progress,
    Response,
    Scenario,
    Service,
    SyntheticUser,
    trigger,
)
from harness.drive.queues import Redis
from harness.probes import readers
from scenarios.payouts_by_command import IMAGE, house

ACKS = os.environ.get("PAY_ACKS", "early")
WORK = "-A worker worker --concurrency 2 --loglevel warning --without-gossip --without-mingle"


class PayoutsByQueue(Scenario):
    """Pays everybody for whom there is a message, usually 40 people."""

    usual, scales = 40, (1, 2)
    begins, patience, quiet = "15s", "8s", "0.5s"

    bank = house("bank", CHECK_MS="15")
    ledger = house("ledger", PAY_MS="15")
    broker = Service(
        build=Build("fixtures/queue/redis"),
        port=6379,
        process=Process(command="redis-server --port {port} --bind 127.0.0.1 --save '' --dir {scratch}"),
    )
    worker = Service(
        build=IMAGE,
        command=f"celery {WORK}",
        port=0,
        healthcheck=Healthcheck("celery -A worker inspect ping --timeout 3", interval=0.5),
        # A kill of the worker comes while each house is held still: with a person looked up, or just being paid.
        calls=[bank, ledger, broker],
        env={
            "BANK_URL": "{bank.url}",
            "LEDGER_URL": "{ledger.url}",
            "BROKER": "redis://{broker.host}:{broker.port}/0",
            "RESULTS": "redis://{broker.host}:{broker.port}/0",
            "ACKS": ACKS,
        },
        process=Process(command=f"python -m celery {WORK}", cwd="fixtures/queue"),
    )

    def seed(self, live: Live, users: list[SyntheticUser]) -> None:
        live.ledger.post("/orders", json=[user.id for user in users]).expect(200)

    @trigger("message for each person")
    def by_message(self, live: Live, users: list[SyntheticUser]) -> Response:
        due = live.ledger.post("/take", json=[]).expect(200).json()  # whoever sends messages notes for whom
        return Redis(live.broker).call("pay", [[person] for person in due])

    def outcomes(self, live: Live) -> Iterator[Outcome]:
        words = {"SUCCESS": "ok", "FAILURE": "failed", "STARTED": "unknown", "RETRY": "running"}
        return readers.outcomes(Redis(live.broker).results(), said="status", words=words)

    def effects(self, live: Live) -> Iterator[Effect]:
        return readers.effects(readers.http(live.ledger, "/ledger", names=("item",)))

    def progress(self, live: Live) -> Progress:
        broker = Redis(live.broker)
        said = [row["status"] for row in broker.results()]
        at_work = broker.waiting() + said.count("STARTED")
        return Progress(said.count("SUCCESS"), said.count("FAILURE"), running=at_work > 0)
