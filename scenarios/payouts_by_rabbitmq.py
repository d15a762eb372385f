"""The same batch behind Debian's RabbitMQ, in containers only; what became of each message is kept in files.

Shows: `RabbitMQ(live.broker)`, and a reader that runs in the worker's container.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from harness import Build, Healthcheck, Live, Outcome, Progress, Response, Service, SyntheticUser, trigger
from harness.drive.queues import RabbitMQ
from harness.probes import readers
from scenarios.payouts_by_queue import PayoutsByQueue

SAID = {"SUCCESS": "ok", "FAILURE": "failed", "STARTED": "unknown", "RETRY": "running"}


class PayoutsByRabbitMQ(PayoutsByQueue):
    """Pays everybody for whom there is a message, usually 40 people."""

    broker = Service(
        build=Build("fixtures/queue/rabbitmq"),
        port=5672,
        memory="1 GiB",
        healthcheck=Healthcheck("rabbitmq-diagnostics -q check_port_connectivity", interval=2),
    )
    worker = replace(
        PayoutsByQueue.worker.with_env(
            BROKER="amqp://guest:guest@{broker.host}:{broker.port}//", RESULTS="file:///app/results"
        ),
        process=None,
    )

    @trigger("message for each person")
    def by_message(self, live: Live, users: list[SyntheticUser]) -> Response:
        due = live.ledger.post("/take", json=[]).expect(200).json()
        return RabbitMQ(live.broker).call("pay", [[person] for person in due])

    def outcomes(self, live: Live) -> Iterator[Outcome]:
        rows = readers.inside(live.worker, ["python3", "worker.py"])
        return readers.outcomes(rows, said="status", words=SAID)

    def progress(self, live: Live) -> Progress:
        said = [outcome.said for outcome in self.outcomes(live)]
        at_work = RabbitMQ(live.broker).waiting() + said.count("unknown") + said.count("running")
        return Progress(said.count("ok"), said.count("failed"), running=at_work > 0)
